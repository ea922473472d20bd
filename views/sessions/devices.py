"""What a browser says of itself, in the words by which its owner knows it."""

from typing import Final

# The first that is named counts: most browsers name others that they want to be taken for.
_BROWSERS: Final = (
    ("edg", "Edge"),
    ("opr/", "Opera"),
    ("samsungbrowser", "Samsung Internet"),
    ("firefox", "Firefox"),
    ("fxios", "Firefox"),
    ("crios", "Chrome"),
    ("chrome", "Chrome"),
    ("chromium", "Chromium"),
    ("safari", "Safari"),
)
_DEVICES: Final = (
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("cros", "Chromebook"),
    ("mac os", "Mac"),
    ("linux", "Linux"),
)


def device(user_agent: str) -> str:
    """*Chrome en Windows*; what is not known is not guessed."""
    said = user_agent.lower()
    browser = next((word for mark, word in _BROWSERS if mark in said), "")
    system = next((word for mark, word in _DEVICES if mark in said), "")
    if browser and system:
        return f"{browser} en {system}"
    return browser or system or "Un navegador desconocido"
