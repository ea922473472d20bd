"""The page /demo/: a phone beside a mailbox, filling as the panel's messages arrive."""

from integrations.demo.app import create_demo

__all__ = ["create_demo"]
