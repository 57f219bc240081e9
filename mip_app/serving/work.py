"""Every module that declares kinds of jobs; whoever runs jobs loads them."""

from importlib import import_module

MODULES = ("mip_app.dimse.sending",)


def load() -> None:
    for module in MODULES:
        import_module(module)
