# man: sources, one a line
dist_man_MANS += man/migration.env.5 man/migrationctl.8
dist_man_MANS += man/migration-worker.8 man/migration-spool.5
dist_man_MANS += man/migration-fcgi.8
dist_man_MANS += man/migration-dns.8
dist_man_MANS += man/mailmover-verify.1
dist_man_MANS += man/mailmover.1 man/migration-events.7
dist_man_MANS += man/migration-certificate.7
dist_man_MANS += man/migration-tools.7
