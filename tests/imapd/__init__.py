"""An IMAP server that follows a script: in memory, ordinary in all that its script does not change."""
