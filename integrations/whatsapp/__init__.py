"""Meta's WhatsApp Business Cloud API: sending, its webhooks, and a stand-in of it."""
