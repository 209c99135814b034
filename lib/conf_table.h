/*
 * The one table of settings. No include guard: conf.h and conf.c include it with their own CONF_ROW.
 * CONF_ROW(key, name, type, default, min, max, choices, flags, help en, help pt); flags: 0, S secret, W worker.env only.
 * man/migration.env.5 documents each; a test compares the two.
 */
/* --- service --- */
CONF_ROW(CONF_ENABLED, "MIGRATION_ENABLED", CONF_BOOL, "true", 0, 0, NULL, 0,
	"Whether the service works; false answers every route but /health with 503.",
	"Se o serviço trabalha; false responde 503 a tudo menos /health.")
CONF_ROW(CONF_DATA_PATH, "MIGRATION_DATA_PATH", CONF_PATH, "/var/lib/desk-migration", 0, 0, NULL, 0,
	"Folder of the databases, uploads, artefacts and the spool.",
	"Pasta das bases de dados, ficheiros enviados, artefactos e fila.")
CONF_ROW(CONF_TOOLS_PATH, "MIGRATION_TOOLS_PATH", CONF_TEXT, "/usr/local/bin:/usr/bin", 0, 0, NULL, 0,
	"Where tools are looked for, folders parted by colons.",
	"Onde se procuram as ferramentas, pastas separadas por dois pontos.")
CONF_ROW(CONF_LOG_LEVEL, "MIGRATION_LOG_LEVEL", CONF_CHOICE, "info", 0, 0, "error|warn|info|debug", 0,
	"What is written to the log.", "O que se escreve no registo.")
CONF_ROW(CONF_DISK_RESERVE_MB, "MIGRATION_DISK_RESERVE_MB", CONF_INT, "1024", 0, 1048576, NULL, 0,
	"Free disk space in MiB below which runs wait.", "Espaço livre em MiB abaixo do qual as execuções esperam.")
CONF_ROW(CONF_RETENTION_DAYS, "MIGRATION_RETENTION_DAYS", CONF_INT, "0", 0, 3650, NULL, 0,
	"Days after which files of closed jobs are removed; 0 keeps them.",
	"Dias após os quais os ficheiros de migrações fechadas são removidos; 0 guarda-os.")
CONF_ROW(CONF_TENANTS, "MIGRATION_TENANTS", CONF_BOOL, "false", 0, 0, NULL, 0,
	"Whether each organisation sees only its own jobs.", "Se cada organização vê só as suas migrações.")
/* --- gate --- */
CONF_ROW(CONF_GATE_MIN_RATIO, "MIGRATION_GATE_MIN_RATIO", CONF_RATIO, "0.99", 0, 1000000, NULL, 0,
	"Least ratio of found to expected messages, for every mailbox.",
	"Proporção mínima de mensagens encontradas, em cada caixa.")
CONF_ROW(CONF_GATE_OVERRIDE_ROLES, "MIGRATION_GATE_OVERRIDE_ROLES", CONF_ROLES, "super_admin", 0, 0, NULL, 0,
	"Roles that may override the gate.", "Papéis que podem contornar a decisão.")
CONF_ROW(CONF_GATE_OVERRIDE_HOURS, "MIGRATION_GATE_OVERRIDE_HOURS", CONF_INT, "72", 1, 8760, NULL, 0,
	"Hours after which an override expires.", "Horas após as quais a exceção expira.")
CONF_ROW(CONF_GATE_FOUR_EYES, "MIGRATION_GATE_FOUR_EYES", CONF_BOOL, "false", 0, 0, NULL, 0,
	"Whether the approver must not be who started a mailbox's last pass.",
	"Se quem aprova não pode ser quem iniciou a última passagem.")
/* --- credentials --- */
CONF_ROW(CONF_CREDENTIALS_KEY, "MIGRATION_CREDENTIALS_KEY", CONF_LIST, NULL, 0, 0, NULL, CONF_S | CONF_W,
	"Secret keys (32 bytes, URL-safe base64), newest first: any opens.",
	"Chaves secretas (32 bytes, base64 URL-safe), a mais nova primeiro.")
CONF_ROW(CONF_SEAL_PUBLIC_KEYS, "MIGRATION_SEAL_PUBLIC_KEYS", CONF_LIST, NULL, 0, 0, NULL, 0,
	"Public keys (X25519, URL-safe base64) that go with it: the first seals.",
	"Chaves públicas (X25519, base64 URL-safe) correspondentes: a primeira sela.")
/* --- certificates --- */
CONF_ROW(CONF_SIGNING_KEY, "MIGRATION_SIGNING_KEY", CONF_TEXT, NULL, 0, 0, NULL, CONF_S | CONF_W,
	"Secret key that signs certificates (Ed25519, 32 bytes, URL-safe base64).",
	"Chave secreta que assina os certificados (Ed25519, 32 bytes, base64 URL-safe).")
CONF_ROW(CONF_SIGNING_PUBLIC_KEYS, "MIGRATION_SIGNING_PUBLIC_KEYS", CONF_LIST, NULL, 0, 0, NULL, 0,
	"Public keys of certificates, newest first: for migrationctl certificate verify.",
	"Chaves públicas dos certificados, a mais nova primeiro: para migrationctl certificate verify.")
CONF_ROW(CONF_REPORT_BIN, "MIGRATION_REPORT_BIN", CONF_PATH, PKGLIBEXECDIR "/migration-report", 0, 0, NULL, 0,
	"migration-report, which writes reports and certificates.",
	"migration-report, que escreve relatórios e certificados.")
/* --- sources, tools, destination --- */
CONF_ROW(CONF_MAX_PST_GB, "MIGRATION_MAX_PST_GB", CONF_INT, "50", 1, 16384, NULL, 0,
	"Largest file that may be uploaded, in GiB.", "Maior ficheiro que se pode enviar, em GiB.")
CONF_ROW(CONF_UPLOAD_EXPIRE_HOURS, "MIGRATION_UPLOAD_EXPIRE_HOURS", CONF_INT, "168", 1, 8760, NULL, 0,
	"Hours after which an upload that nobody goes on with is removed.",
	"Horas após as quais um envio que ninguém continua é removido.")
CONF_ROW(CONF_IMAPSYNC_BIN, "MIGRATION_IMAPSYNC_BIN", CONF_PATH, NULL, 0, 0, NULL, 0,
	"imapsync; not set: looked for in MIGRATION_TOOLS_PATH.", "imapsync; vazio: procurado em MIGRATION_TOOLS_PATH.")
CONF_ROW(CONF_READPST_BIN, "MIGRATION_READPST_BIN", CONF_PATH, NULL, 0, 0, NULL, 0,
	"readpst; not set: looked for in MIGRATION_TOOLS_PATH.", "readpst; vazio: procurado em MIGRATION_TOOLS_PATH.")
CONF_ROW(CONF_IMAP_UPLOAD, "MIGRATION_IMAP_UPLOAD", CONF_PATH, NULL, 0, 0, NULL, 0,
	"imap_upload.py; not set: looked for in MIGRATION_TOOLS_PATH.",
	"imap_upload.py; vazio: procurado em MIGRATION_TOOLS_PATH.")
CONF_ROW(CONF_MAILMOVER_BIN, "MIGRATION_MAILMOVER_BIN", CONF_PATH, BINDIR "/mailmover", 0, 0, NULL, 0,
	"mailmover, the engine.", "mailmover, o motor.")
CONF_ROW(CONF_DEST_IMAP_HOST, "MIGRATION_DEST_IMAP_HOST", CONF_TEXT, NULL, 0, 0, NULL, 0,
	"The new server, unless a job names another.", "O novo servidor, salvo indicação da migração.")
CONF_ROW(CONF_DEST_IMAP_PORT, "MIGRATION_DEST_IMAP_PORT", CONF_INT, "993", 1, 65535, NULL, 0,
	"Its IMAP port.", "A sua porta IMAP.")
CONF_ROW(CONF_DEST_IMAP_SSL, "MIGRATION_DEST_IMAP_SSL", CONF_TLS, "tls", 0, 0, NULL, 0,
	"Its TLS: tls, starttls or none (true and false: tls and none).",
	"O seu TLS: tls, starttls ou none (true e false: tls e none).")
CONF_ROW(CONF_CARBONIO_SSH, "MIGRATION_CARBONIO_SSH", CONF_TEXT, NULL, 0, 0, NULL, 0,
	"user@host of the Carbonio server for zmmailbox.", "user@host do servidor Carbonio para o zmmailbox.")
CONF_ROW(CONF_ZMMAILBOX_USER, "MIGRATION_ZMMAILBOX_USER", CONF_TEXT, "zextras", 0, 0, NULL, 0,
	"System user that runs zmmailbox there.", "Utilizador de sistema que corre o zmmailbox.")
CONF_ROW(CONF_SSH_KNOWN_HOSTS, "MIGRATION_SSH_KNOWN_HOSTS", CONF_PATH, NULL, 0, 0, NULL, 0,
	"known_hosts file for ssh.", "Ficheiro known_hosts para ssh.")
CONF_ROW(CONF_SSH_KEY_FILE, "MIGRATION_SSH_KEY_FILE", CONF_PATH, NULL, 0, 0, NULL, 0,
	"Private key for ssh.", "Chave privada para ssh.")
CONF_ROW(CONF_ALLOW_PLAINTEXT_HOSTS, "MIGRATION_ALLOW_PLAINTEXT_HOSTS", CONF_LIST, "127.0.0.1,::1,localhost", 0, 0, NULL, 0,
	"Hosts for which no TLS at all is allowed.", "Servidores para os quais se permite não usar TLS.")
CONF_ROW(CONF_TLS_CA_FILE, "MIGRATION_TLS_CA_FILE", CONF_PATH, NULL, 0, 0, NULL, 0,
	"Further certificate authorities for mail servers (PEM).", "Mais autoridades de certificação para servidores de correio (PEM).")
CONF_ROW(CONF_DNS_BIN, "MIGRATION_DNS_BIN", CONF_PATH, PKGLIBEXECDIR "/migration-dns", 0, 0, NULL, 0,
	"migration-dns, which asks name servers and changes records.", "migration-dns, que pergunta aos servidores de nomes e altera registos.")
CONF_ROW(CONF_DNS_RESOLVERS, "MIGRATION_DNS_RESOLVERS", CONF_LIST, NULL, 0, 0, NULL, 0,
	"Resolvers (addresses) whose view of DNS is shown; not set: those of /etc/resolv.conf.",
	"Resolvers (endereços) cuja visão do DNS se mostra; vazio: os de /etc/resolv.conf.")
CONF_ROW(CONF_DNS_PORT, "MIGRATION_DNS_PORT", CONF_INT, "53", 1, 65535, NULL, 0,
	"Port of name servers and resolvers.", "Porta dos servidores de nomes e resolvers.")
CONF_ROW(CONF_DNS_SECONDS, "MIGRATION_DNS_SECONDS", CONF_INT, "30", 2, 600, NULL, 0,
	"Seconds after which a look at DNS ends with what was heard.", "Segundos após os quais uma leitura do DNS termina com o que se ouviu.")
CONF_ROW(CONF_SMTP_PORT, "MIGRATION_SMTP_PORT", CONF_INT, "25", 1, 65535, NULL, 0,
	"Port of the new mail exchangers that are asked whether they take mail.", "Porta dos novos servidores de correio a quem se pergunta se aceitam correio.")
CONF_ROW(CONF_ISPDB_URL, "MIGRATION_ISPDB_URL", CONF_URL, "https://autoconfig.thunderbird.net/v1.1/", 0, 0, NULL, 0,
	"Where autodiscovery asks for a provider's mail settings: the domain is appended (https only).",
	"Onde a descoberta automática pergunta pelos dados de correio de um fornecedor: o domínio é acrescentado (só https).")
CONF_ROW(CONF_AUTOCONFIG_NETWORKS, "MIGRATION_AUTOCONFIG_NETWORKS", CONF_LIST, NULL, 0, 0, NULL, 0,
	"Networks of the inside (CIDR) that autodiscovery may ask for a settings document; all others of the inside are refused.",
	"Redes internas (CIDR) às quais a descoberta automática pode pedir um documento de configuração; as outras internas são recusadas.")
CONF_ROW(CONF_DENY_NETWORKS, "MIGRATION_DENY_NETWORKS", CONF_LIST, NULL, 0, 0, NULL, 0,
	"Networks (CIDR) that the worker must not connect to.", "Redes (CIDR) às quais o worker não se pode ligar.")
/* --- runs and the worker --- */
CONF_ROW(CONF_RUN_ATTEMPTS, "MIGRATION_RUN_ATTEMPTS", CONF_INT, "3", 1, 100, NULL, 0,
	"How often a run is tried.", "Quantas vezes se tenta uma execução.")
CONF_ROW(CONF_LEASE_SECONDS, "MIGRATION_LEASE_SECONDS", CONF_INT, "60", 2, 86400, NULL, 0,
	"A worker silent for this long loses its runs.", "Um worker calado durante este tempo perde as execuções.")
CONF_ROW(CONF_HEARTBEAT_SECONDS, "MIGRATION_HEARTBEAT_SECONDS", CONF_INT, "5", 1, 3600, NULL, 0,
	"How often a worker reports at least.", "De quanto em quanto tempo um worker comunica, no mínimo.")
CONF_ROW(CONF_RUN_DEADLINE_HOURS, "MIGRATION_RUN_DEADLINE_HOURS", CONF_INT, "72", 1, 8760, NULL, 0,
	"Hours after which a run is ended.", "Horas após as quais uma execução é terminada.")
CONF_ROW(CONF_WORKER_SLOTS, "MIGRATION_WORKER_SLOTS", CONF_INT, "4", 1, 256, NULL, 0,
	"Runs that a worker executes at a time.", "Execuções simultâneas de um worker.")
CONF_ROW(CONF_WORKER_NAME, "MIGRATION_WORKER_NAME", CONF_TEXT, NULL, 0, 0, NULL, 0,
	"The worker's name; not set: the host name.", "O nome do worker; vazio: o nome da máquina.")
CONF_ROW(CONF_WORKER_KEY_FILE, "MIGRATION_WORKER_KEY_FILE", CONF_PATH, SYSCONFDIR "/worker.key", 0, 0, NULL, 0,
	"The worker's ES256 private key (PEM).", "A chave privada ES256 do worker (PEM).")
CONF_ROW(CONF_HOST_CONNECTIONS, "MIGRATION_HOST_CONNECTIONS", CONF_INT, "4", 1, 256, NULL, 0,
	"Runs at a time that talk to the same mail server.", "Execuções simultâneas com o mesmo servidor de correio.")
CONF_ROW(CONF_QUEUE, "MIGRATION_QUEUE", CONF_TEXT, "spool:", 0, 0, NULL, 0,
	"How run files reach workers: spool: (MIGRATION_SPOOL_PATH) or spool:/folder.",
	"Como as execuções chegam aos workers: spool: ou spool:/pasta.")
CONF_ROW(CONF_SPOOL_PATH, "MIGRATION_SPOOL_PATH", CONF_PATH, NULL, 0, 0, NULL, 0,
	"The spool; not set: spool under MIGRATION_DATA_PATH.", "A fila; vazio: spool em MIGRATION_DATA_PATH.")
CONF_ROW(CONF_RUNTIME_PATH, "MIGRATION_RUNTIME_PATH", CONF_PATH, "/run/desk-migration-worker", 0, 0, NULL, 0,
	"Folder in memory (tmpfs) for secrets of runs.", "Pasta em memória (tmpfs) para segredos das execuções.")
CONF_ROW(CONF_API_URL, "MIGRATION_API_URL", CONF_URL, "http://127.0.0.1:8080", 0, 0, NULL, 0,
	"Where workers find the API.", "Onde os workers encontram a API.")
CONF_ROW(CONF_API_CA_FILE, "MIGRATION_API_CA_FILE", CONF_PATH, NULL, 0, 0, NULL, 0,
	"Certificate authority of the API (PEM).", "Autoridade de certificação da API (PEM).")
/* --- tokens and log-in --- */
CONF_ROW(CONF_ISSUERS, "MIGRATION_ISSUERS", CONF_PATH, NULL, 0, 0, NULL, 0,
	"JSON file: who may issue tokens, with which algorithm, key and roles.",
	"Ficheiro JSON: quem emite tokens, com que algoritmo, chave e papéis.")
CONF_ROW(CONF_JWT_ISSUER, "MIGRATION_JWT_ISSUER", CONF_TEXT, NULL, 0, 0, NULL, 0,
	"Desk's issuer (claim iss).", "O emissor do Desk (claim iss).")
CONF_ROW(CONF_JWT_ALG, "MIGRATION_JWT_ALG", CONF_CHOICE, "HS256", 0, 0, "HS256|RS256|ES256", 0,
	"Its only algorithm.", "O seu único algoritmo.")
CONF_ROW(CONF_JWT_KEY, "MIGRATION_JWT_KEY", CONF_TEXT, NULL, 0, 0, NULL, CONF_S,
	"Its secret (HS256, at least 32 bytes).", "O seu segredo (HS256, pelo menos 32 bytes).")
CONF_ROW(CONF_JWT_KEY_FILE, "MIGRATION_JWT_KEY_FILE", CONF_PATH, NULL, 0, 0, NULL, 0,
	"Its key in a file: the secret (HS256) or the public key (PEM).",
	"A sua chave num ficheiro: o segredo (HS256) ou a chave pública (PEM).")
CONF_ROW(CONF_JWT_AUDIENCE, "MIGRATION_JWT_AUDIENCE", CONF_TEXT, "desk-migration", 0, 0, NULL, 0,
	"The audience that tokens must name.", "A audiência que os tokens devem indicar.")
CONF_ROW(CONF_JWT_ROLES, "MIGRATION_JWT_ROLES", CONF_ROLES, "super_admin,ops_lead,technician", 0, 0, NULL, 0,
	"Roles that it may grant.", "Papéis que pode atribuir.")
CONF_ROW(CONF_LOCAL_ACCOUNTS, "MIGRATION_LOCAL_ACCOUNTS", CONF_BOOL, "false", 0, 0, NULL, 0,
	"Whether local accounts may sign in.", "Se contas locais podem iniciar sessão.")
CONF_ROW(CONF_SESSION_HOURS, "MIGRATION_SESSION_HOURS", CONF_INT, "12", 1, 720, NULL, 0,
	"Hours after which a session ends.", "Horas após as quais uma sessão termina.")
CONF_ROW(CONF_COOKIE_SECURE, "MIGRATION_COOKIE_SECURE", CONF_BOOL, "true", 0, 0, NULL, 0,
	"Whether the session cookie is sent over HTTPS only.", "Se o cookie de sessão só viaja por HTTPS.")
CONF_ROW(CONF_WEBHOOK_SECRET, "MIGRATION_WEBHOOK_SECRET", CONF_TEXT, NULL, 0, 0, NULL, CONF_S,
	"Secret of the webhook dns.applied (HMAC-SHA256).", "Segredo do webhook dns.applied (HMAC-SHA256).")
CONF_ROW(CONF_WEBHOOK_SECONDS, "MIGRATION_WEBHOOK_SECONDS", CONF_INT, "300", 10, 86400, NULL, 0,
	"How old (or early) a webhook's time stamp may be.", "Idade (ou avanço) máxima do carimbo temporal de um webhook.")
/* --- processes of migration-fcgi --- */
CONF_ROW(CONF_API_PROCESSES, "MIGRATION_API_PROCESSES", CONF_INT, "4", 1, 256, NULL, 0,
	"Processes of the pool api.", "Processos da pool api.")
CONF_ROW(CONF_WORKER_PROCESSES, "MIGRATION_WORKER_PROCESSES", CONF_INT, "2", 1, 256, NULL, 0,
	"Processes of the pool worker.", "Processos da pool worker.")
CONF_ROW(CONF_UPLOAD_PROCESSES, "MIGRATION_UPLOAD_PROCESSES", CONF_INT, "24", 1, 256, NULL, 0,
	"Processes of the pool upload.", "Processos da pool upload.")
