"""The same for contacts, links, notices, second factors and what staff look at."""

from tests.tables.breaches import Case, change, copy

PEOPLE_BREACHES = [
    change("contacts", "contact", "rights = '{{services.view,everything}}'", "contacts_rights_known"),
    change("contacts", "contact", "email = 'Bruno@example.com'", "contacts_email_small"),
    change("contacts", "contact", "name = ' '", "contacts_name_present"),
    change("contacts", "contact", "phone = '11 2345'", "contacts_phone_e164"),
    change("contacts", "contact", "accepted_at = NULL", "contacts_act_when_accepted"),
    change("contacts", "contact", '"user" = NULL', "contacts_act_when_accepted"),
    change("contacts", "contact", "signs_in = false", "contacts_act_when_accepted"),
    change("contacts", "silent_contact", "rights = '{{invoices.view}}'", "contacts_act_when_accepted"),
    copy("contacts", "silent_contact", "", "contacts_one_address"),
    copy("contacts", "contact", '"email": "otro@example.com"', "contacts_one_user"),
    change("contacts", "contact", "email = 'ana@example.com'", "contacts_never_the_holder"),
    change("contacts", "contact", '"user" = {ana_user}', "contacts_never_the_holder"),
    # A contact of Ana's reaches no service of Beto's, and a service that moves to Beto takes no contact along.
    Case("contact_services_own_service", "INSERT INTO contact_services (client, contact, service)"
         " VALUES ({ana}, {contact}, {other})"),
    Case("contact_services_own_contact", "INSERT INTO contact_services (client, contact, service)"
         " VALUES ({beto}, {contact}, {other})"),
    change("services", "reached", "client = {beto}", "contact_services_own_service"),
    copy("contact_services", "contact_service", "", "contact_services_once"),
    change("notice_choices", "choice", "category = 'x'", "notice_choices_category_known"),
    change("notice_choices", "choice", "channel = 'x'", "notice_choices_channel_known"),
    change("notice_choices", "choice", "client = {beto}", "notice_choices_own_contact"),
    copy("notice_choices", "choice", "", "notice_choices_once"),
    copy("whatsapp_consents", "consent", '"client": {beto}, "contact": {contact}', "whatsapp_consents_own_contact"),
    copy("alerts", "alert", '"message_id": null, "client": {beto}, "contact": {contact}', "alerts_own_contact"),
    change("mail_links", "link", "purpose = 'x'", "mail_links_purpose_known"),
    change("mail_links", "link", "expires_at = created_at", "mail_links_forward"),
    change("mail_links", "link", "used_at = now(), voided_at = now()", "mail_links_used_or_voided"),
    change("mail_links", "link", "token_hash = 'clear'", "mail_links_token_digest"),
    change("mail_links", "used_link", "used_at = NULL", "mail_links_are_used_once"),
    change("mail_links", "used_link", "used_at = now()", "mail_links_are_used_once"),
    copy("mail_links", "link", f'"token_hash": "{"0" * 64}"', "mail_links_nonce_key"),
    copy("mail_links", "link", '"nonce": "another"', "mail_links_token_hash_key"),
    change("phone_checks", "phone_check", "phone = '11 2345-6789'", "phone_checks_e164"),
    copy("phone_checks", "phone_check", "", "phone_checks_nonce_key"),
    change("users", "ana_user", "totp_confirmed_at = now()", "users_second_factor_has_secret"),
    copy("recovery_codes", "recovery_code", "", "recovery_codes_once"),
    Case("staff_authenticators_of_staff", "INSERT INTO staff_authenticators (user_id, secret, recovery_codes,"
         " recovery_codes_used_at, created_at, last_step) VALUES (900000, 'x', '{{}}', '{{}}', now(), 0)"),
    Case("staff_authenticators_one_stands", "INSERT INTO staff_authenticators (user_id, secret, recovery_codes,"
         " recovery_codes_used_at, created_at, last_step) SELECT id, 'x', '{{}}', '{{}}', now(), 0"
         " FROM staff, generate_series(1, 2)"),
    Case("staff_authenticators_confirmed_has_secret", "INSERT INTO staff_authenticators (user_id, secret,"
         " recovery_codes, recovery_codes_used_at, created_at, last_step, confirmed_at)"
         " SELECT id, '', '{{}}', '{{}}', now(), 0, now() FROM staff LIMIT 1"),
    change("staff_views", "look", "reason = ' '", "staff_views_say_why"),
    change("staff_views", "look", "ends_at = started_at + interval '2 hours'", "staff_views_time_boxed"),
    change("staff_views", "look", "ends_at = started_at", "staff_views_time_boxed"),
    copy("staff_views", "look", "", "staff_views_token_hash_key"),
    Case("access_links_stay", "UPDATE access_links SET id = id", "rows_stay"),
    Case("access_links_stay", "DELETE FROM access_links", "rows_stay"),
]  # fmt: skip
