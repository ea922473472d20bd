"""Where WhatsApp tells what became of our messages."""

from litestar import MediaType, Response, get, post
from litestar.exceptions import PermissionDeniedException

from integrations.whatsapp.webhooks import subscription_challenge, verify_signature
from operations import alerts
from settings import settings
from views.access import PUBLIC, SIGNED, PanelRequest


@get("/webhooks/whatsapp", opt=PUBLIC, media_type=MediaType.TEXT, sync_to_thread=False)
def verify_subscription(request: PanelRequest) -> str:
    """Meta's check that this address is ours: the challenge comes back if the token is right, else 403."""
    token = settings().whatsapp_verify_token.get_secret_value()
    challenge = subscription_challenge(dict(request.query_params), token) if token else None
    if challenge is None:
        raise PermissionDeniedException("verify token")
    return challenge


@post("/webhooks/whatsapp", opt=SIGNED, status_code=200, media_type=MediaType.TEXT)
async def receive_news(request: PanelRequest) -> Response[str]:
    """Signed news: stored as they came and answered at once; worked through afterwards. A copy has no effect."""
    body = await request.body()
    secret = settings().whatsapp_app_secret.get_secret_value()
    if not secret or not verify_signature(body, request.headers.get("x-hub-signature-256"), secret):
        raise PermissionDeniedException("signature")
    await alerts.store_webhook(body)
    return Response("ok", media_type=MediaType.TEXT)
