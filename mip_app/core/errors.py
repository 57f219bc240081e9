"""What can go wrong, in one tree. `code` is a key of the text catalogue; the browser holds the words.

MipError
├── NotSignedIn     401  nobody is signed in
├── NotPermitted    403  signed in, but the role does not allow this act
├── NotVisible      404  does not exist, or is not this person's to see: one answer for both
├── Invalid         400  what came in cannot be used; says what to do
│   └── TooLarge    413
└── Conflict        409  somebody or something was faster; nothing is lost
"""

from typing import ClassVar


class MipError(Exception):
    """`detail` fills the placeholders of the text; it never holds patient data."""

    code: str = "error.unexpected"
    status: ClassVar[int] = 500

    def __init__(self, code: str | None = None, **detail: object) -> None:
        self.code = code or type(self).code
        self.detail = {name: str(value) for name, value in detail.items()}
        super().__init__(self.code)


class NotSignedIn(MipError):
    code = "error.not_signed_in"
    status = 401


class NotPermitted(MipError):
    code = "error.not_permitted"
    status = 403


class NotVisible(MipError):
    code = "error.not_visible"
    status = 404


class Invalid(MipError):
    code = "error.invalid"
    status = 400


class TooLarge(Invalid):
    code = "error.too_large"
    status = 413


class Conflict(MipError):
    code = "error.conflict"
    status = 409
