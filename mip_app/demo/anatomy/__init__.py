"""Synthetic people: where the tissues of an invented body lie, in millimetres. Knows nothing of DICOM.

Frame everywhere: x to the patient's left, y to the back, z to the head (the patient frame of PS3.3 C.7.6.2).
"""
