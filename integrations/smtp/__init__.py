"""Mail by SMTP, and a mailbox that stands in for a mail server."""
