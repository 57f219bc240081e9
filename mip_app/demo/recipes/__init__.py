"""What a scanner would make of the invented bodies: for each recipe of the catalogue its series."""

from collections.abc import Callable, Iterator

from mip_app.demo.anatomy import head
from mip_app.demo.catalogue import StudySpec
from mip_app.demo.phantom import Series
from mip_app.demo.recipes import ct, films, moving, mr

RECIPES: dict[str, Callable[[StudySpec], Iterator[Series]]] = {
    "chest_nodule": ct.chest_nodule,
    "chest_prior": ct.chest_prior,
    "chest_thick": ct.chest_thick,
    "chest_radiograph": films.chest_radiograph,
    "abdomen_plain": ct.abdomen_plain,
    "abdomen_enhanced": ct.abdomen_enhanced,
    "head_bleed": ct.head_ct(head.Case(age=0.6, bleeding=True), 512, 20, 6.5),
    "head_plain": ct.head_ct(head.Case(age=0.5), 256, 16, 8.0),
    "brain_mr": mr.brain(head.Case(age=0.25)),
    "brain_lacunes": mr.brain(head.Case(age=0.7, lesions=9)),
    "lumbar_mr": mr.lumbar_mr,
    "knee": films.bones("knee"),
    "wrist": films.bones("wrist"),
    "wrist_fracture": films.bones("wrist", fracture=True),
    "breast": films.mammogram(lump=False),
    "breast_lump": films.mammogram(lump=True),
    "us_liver": moving.ultrasound("liver", 16),
    "us_kidney": moving.ultrasound("kidney", 1),
    "us_thyroid": moving.ultrasound("thyroid", 1),
    "coronary": moving.coronary,
    "pet": moving.pet,
}
