"""Typst: sets documents as PDF, inside this process, from the templates and fonts that come with it."""
