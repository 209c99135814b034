"""The one module of this name that imap_upload.py needs; not the library imapclient."""
