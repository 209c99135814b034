"""What the owner of a mailbox does in it by hand."""

import imaplib
import ssl


def remove(stack, server, user, messages, folder="INBOX"):
    """Deletes these messages ("2:6") of an account of this server."""
    account = stack.account(server, user)
    connection = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=ssl.create_default_context(cafile=account.ca_file))
    connection.login(account.user, account.password)
    connection.select(folder)
    connection.store(messages, "+FLAGS", "(\\Deleted)")
    connection.expunge()
    connection.logout()
