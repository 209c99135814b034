/*
 * The one table of failures. No include guard: err.h and err.c include it with their own ERR_ROW.
 * ERR_ROW(id, code, retry class, HTTP status, exit status, en, remedy en, pt, remedy pt)
 * A code never changes its meaning and is never removed: runs in databases carry it.
 */
/* --- input and access --- */
ERR_ROW(ERR_USAGE, "usage", RETRY_NEVER, 400, 64, "Wrong usage", "See the manual page.",
	"Uso incorreto", "Consulte a página do manual.")
ERR_ROW(ERR_INPUT, "input.invalid", RETRY_NEVER, 422, 65, "A value is not valid", "Correct the field that is named and send it again.",
	"Um valor não é válido", "Corrija o campo indicado e envie novamente.")
ERR_ROW(ERR_JSON, "input.malformed", RETRY_NEVER, 400, 65, "The document is not well-formed", "Send one JSON document in UTF-8.",
	"O documento está malformado", "Envie um único documento JSON em UTF-8.")
ERR_ROW(ERR_TOO_LARGE, "input.too_large", RETRY_NEVER, 413, 65, "The request is too large", "Send less at a time.",
	"O pedido é grande demais", "Envie menos de cada vez.")
ERR_ROW(ERR_MEDIA_TYPE, "input.media_type", RETRY_NEVER, 415, 65, "This kind of content is not accepted here", "Send application/json.",
	"Este tipo de conteúdo não é aceite aqui", "Envie application/json.")
ERR_ROW(ERR_NOT_FOUND, "not_found", RETRY_NEVER, 404, 66, "It does not exist", "Check the number or the name; it may have been removed.",
	"Não existe", "Verifique o número ou o nome; pode ter sido removido.")
ERR_ROW(ERR_FILE_REMOVED, "file.removed", RETRY_NEVER, 410, 66, "The file was removed for its age",
	"Files of closed migrations are kept for MIGRATION_RETENTION_DAYS; what they proved is in the report.",
	"O ficheiro foi removido pela idade", "Os ficheiros de migrações fechadas guardam-se MIGRATION_RETENTION_DAYS dias; o que provaram está no relatório.")
ERR_ROW(ERR_METHOD, "method.not_allowed", RETRY_NEVER, 405, 64, "This method is not allowed here", "See the Allow header.",
	"Este método não é permitido aqui", "Veja o cabeçalho Allow.")
ERR_ROW(ERR_AUTH_REQUIRED, "auth.required", RETRY_NEVER, 401, 77, "Sign in first", "Sign in again, or send a valid bearer token.",
	"É preciso iniciar sessão", "Inicie sessão novamente ou envie um token válido.")
ERR_ROW(ERR_AUTH_TOKEN, "auth.token_invalid", RETRY_NEVER, 401, 77, "The token is not valid", "Ask for a new token.",
	"O token não é válido", "Peça um novo token.")
ERR_ROW(ERR_AUTH_LOGIN, "auth.login_failed", RETRY_NEVER, 401, 77, "User name or password is wrong", "Check both and try again.",
	"Utilizador ou palavra-passe errados", "Verifique ambos e tente novamente.")
ERR_ROW(ERR_FORBIDDEN, "auth.forbidden", RETRY_NEVER, 403, 77, "Your role does not allow this", "Ask an ops lead or a super admin.",
	"O seu papel não permite isto", "Peça a um ops lead ou super admin.")
ERR_ROW(ERR_CSRF, "auth.csrf", RETRY_NEVER, 403, 77, "The request did not come from the page itself", "Reload the page and try again.",
	"O pedido não veio da própria página", "Recarregue a página e tente novamente.")
ERR_ROW(ERR_RATE_LIMITED, "auth.too_many", RETRY_LATER, 429, 75, "Too many attempts", "Wait a minute and try again.",
	"Tentativas a mais", "Espere um minuto e tente novamente.")
ERR_ROW(ERR_CONFLICT, "conflict", RETRY_NEVER, 409, 65, "It contradicts what is there already", "Read the present state and decide again.",
	"Contradiz o que já existe", "Leia o estado atual e decida novamente.")
ERR_ROW(ERR_PRECONDITION, "precondition.failed", RETRY_NEVER, 412, 65, "It has changed since you read it", "Reload, look at what changed, and decide again.",
	"Mudou desde que o leu", "Recarregue, veja o que mudou e decida novamente.")
ERR_ROW(ERR_PRECONDITION_REQUIRED, "precondition.required", RETRY_NEVER, 428, 65, "If-Match is required", "Send the ETag of what you have seen as If-Match.",
	"If-Match é obrigatório", "Envie como If-Match o ETag do que viu.")
ERR_ROW(ERR_DISABLED, "service.disabled", RETRY_LATER, 503, 75, "The migration service is switched off", "An administrator switches it on with MIGRATION_ENABLED=true.",
	"O serviço de migração está desligado", "Um administrador liga-o com MIGRATION_ENABLED=true.")
ERR_ROW(ERR_UNAVAILABLE, "service.unavailable", RETRY_LATER, 503, 75, "The service cannot answer now", "Try again in a moment.",
	"O serviço não consegue responder agora", "Tente novamente dentro de momentos.")
ERR_ROW(ERR_RUN_ACTIVE, "run.active", RETRY_LATER, 409, 75, "A run is already active for this mailbox or destination account", "Wait for it, cancel it, or send queue:true.",
	"Já há uma execução ativa para esta caixa ou conta de destino", "Espere, cancele-a ou envie queue:true.")
ERR_ROW(ERR_RUN_STALE, "run.stale", RETRY_NEVER, 409, 65, "The report belongs to an attempt that is over", "Drop it: a newer attempt has the run.",
	"O relatório é de uma tentativa que já terminou", "Descarte-o: uma tentativa mais recente tem a execução.")
ERR_ROW(ERR_RUN_CANCELLED, "run.cancelled", RETRY_NEVER, 409, 75, "The run was cancelled", "Start it again when you want it.",
	"A execução foi cancelada", "Inicie-a novamente quando quiser.")
ERR_ROW(ERR_RUN_LOST, "run.lost", RETRY_LATER, 409, 75, "The worker was lost too often", "Look at the worker's log, then start the run again.",
	"O worker perdeu-se vezes a mais", "Veja o registo do worker e inicie a execução novamente.")
ERR_ROW(ERR_RUN_DEADLINE, "run.deadline", RETRY_ONCE, 409, 75, "The run took longer than allowed", "Start it again: it goes on where it was.",
	"A execução demorou mais do que o permitido", "Inicie-a novamente: continua de onde estava.")
/* --- uploads --- */
ERR_ROW(ERR_UPLOAD_INCOMPLETE, "upload.incomplete", RETRY_NEVER, 409, 65, "The file has not arrived as a whole", "Go on with the upload, or choose another file.",
	"O ficheiro não chegou por inteiro", "Continue o envio ou escolha outro ficheiro.")
ERR_ROW(ERR_UPLOAD_OFFSET, "upload.offset", RETRY_LATER, 409, 75, "The bytes do not follow those that are here", "Ask by HEAD where to go on.",
	"Os bytes não seguem os que já cá estão", "Pergunte com HEAD onde continuar.")
ERR_ROW(ERR_UPLOAD_GONE, "upload.gone", RETRY_NEVER, 410, 69, "The upload has expired or was removed", "Send the file again from the start.",
	"O envio expirou ou foi removido", "Envie o ficheiro novamente desde o início.")
ERR_ROW(ERR_UPLOAD_LOCKED, "upload.locked", RETRY_LATER, 423, 75, "Another request writes to this upload", "Try again in a moment.",
	"Outro pedido está a escrever neste envio", "Tente novamente dentro de momentos.")
ERR_ROW(ERR_UPLOAD_CHECKSUM, "upload.checksum", RETRY_LATER, 460, 75, "The bytes were changed on the way", "Send this part again.",
	"Os bytes foram alterados pelo caminho", "Envie esta parte novamente.")
ERR_ROW(ERR_TUS_VERSION, "upload.version", RETRY_NEVER, 412, 76, "This version of tus is not spoken here", "Use a client for tus 1.0.0.",
	"Esta versão do tus não é suportada", "Use um cliente de tus 1.0.0.")
/* --- credentials --- */
ERR_ROW(ERR_CRED_MISSING, "credential.missing", RETRY_NEVER, 409, 77, "A password or token is missing", "Enter it in the mailbox's form.",
	"Falta uma palavra-passe ou um token", "Introduza-o no formulário da caixa.")
ERR_ROW(ERR_CRED_MISMATCH, "credential.mismatch", RETRY_NEVER, 409, 77, "The sealed credential is for another host, user or mailbox", "Enter the secret again for this host and user; find out who changed the row.",
	"A credencial selada é de outro servidor, utilizador ou caixa", "Introduza o segredo novamente e descubra quem alterou o registo.")
ERR_ROW(ERR_CRED_UNSEAL, "credential.unreadable", RETRY_NEVER, 409, 77, "No key of this worker opens the credential", "Enter the secret again, or give the worker the key it was sealed to.",
	"Nenhuma chave deste worker abre a credencial", "Introduza o segredo novamente ou dê ao worker a chave certa.")
ERR_ROW(ERR_KEY, "key.invalid", RETRY_NEVER, 500, 78, "A key is missing or not valid", "Make one with migrationctl key generate.",
	"Uma chave falta ou não é válida", "Crie uma com migrationctl key generate.")
ERR_ROW(ERR_AUTH_REJECTED, "auth.rejected", RETRY_NEVER, 409, 77, "The mail server refused user name or password", "Check user name and password; some providers want an app password or OAuth2.",
	"O servidor recusou o utilizador ou a palavra-passe", "Verifique ambos; alguns fornecedores exigem palavra-passe de aplicação ou OAuth2.")
ERR_ROW(ERR_AUTH_MECH, "auth.mechanism", RETRY_NEVER, 409, 77, "The server offers no log-in that we may use", "Choose another kind of log-in for this mailbox, or allow one on the server.",
	"O servidor não oferece um início de sessão utilizável", "Escolha outro tipo de autenticação ou permita um no servidor.")
/* --- network and servers --- */
ERR_ROW(ERR_HOST_UNKNOWN, "host.unknown", RETRY_ONCE, 409, 68, "The host name does not resolve", "Check the spelling of the host.",
	"O nome do servidor não existe no DNS", "Verifique o nome do servidor.")
ERR_ROW(ERR_HOST_REFUSED, "host.refused", RETRY_ONCE, 409, 69, "The host refuses connections on this port", "Check the port; is the mail service running?",
	"O servidor recusa ligações nesta porta", "Verifique a porta; o serviço de correio está a correr?")
ERR_ROW(ERR_HOST_UNREACHABLE, "host.unreachable", RETRY_LATER, 409, 69, "The host does not answer", "Check host, port and firewall.",
	"O servidor não responde", "Verifique servidor, porta e firewall.")
ERR_ROW(ERR_HOST_DENIED, "host.denied", RETRY_NEVER, 409, 77, "The host is in a network that must not be connected to", "Check the spelling of the host; MIGRATION_DENY_NETWORKS names the networks.",
	"O servidor está numa rede à qual não é permitido ligar", "Verifique o nome do servidor; MIGRATION_DENY_NETWORKS indica as redes.")
ERR_ROW(ERR_LINE_LOST, "line.lost", RETRY_LATER, 409, 75, "The connection broke", "It is tried again by itself.",
	"A ligação caiu", "É tentado novamente de forma automática.")
ERR_ROW(ERR_TIMEOUT, "line.timeout", RETRY_LATER, 409, 75, "The server stopped answering", "It is tried again by itself.",
	"O servidor deixou de responder", "É tentado novamente de forma automática.")
ERR_ROW(ERR_TLS_UNTRUSTED, "tls.untrusted", RETRY_NEVER, 409, 76, "The server's certificate is not trusted", "Install the right certificate, name its authority (CA file), or pin its fingerprint.",
	"O certificado do servidor não é de confiança", "Instale o certificado certo, indique a sua autoridade (CA) ou fixe a impressão digital.")
ERR_ROW(ERR_TLS_NAME, "tls.name_mismatch", RETRY_NEVER, 409, 76, "The certificate is for another name", "Use the host name that the certificate carries.",
	"O certificado é de outro nome", "Use o nome de servidor que está no certificado.")
ERR_ROW(ERR_TLS_EXPIRED, "tls.expired", RETRY_NEVER, 409, 76, "The server's certificate has expired", "Renew it on the server, or pin its fingerprint.",
	"O certificado do servidor expirou", "Renove-o no servidor ou fixe a impressão digital.")
ERR_ROW(ERR_TLS_FAILED, "tls.failed", RETRY_ONCE, 409, 76, "TLS could not be set up", "Check that the port speaks TLS and at least version 1.2.",
	"Não foi possível estabelecer TLS", "Verifique se a porta fala TLS, versão 1.2 ou superior.")
ERR_ROW(ERR_TLS_REQUIRED, "tls.required", RETRY_NEVER, 409, 76, "The server offers no TLS", "Use a port with TLS; passwords are never sent in the clear.",
	"O servidor não oferece TLS", "Use uma porta com TLS; palavras-passe nunca são enviadas em claro.")
ERR_ROW(ERR_PROTOCOL, "protocol", RETRY_ONCE, 409, 76, "The server answered something that IMAP does not allow", "See the log for its words; report the server's name and version.",
	"O servidor respondeu algo que o IMAP não permite", "Veja no registo as palavras do servidor; comunique o nome e a versão.")
ERR_ROW(ERR_SERVER_NO, "server.refused", RETRY_ONCE, 409, 76, "The server refused a command", "See the log for its words.",
	"O servidor recusou um comando", "Veja no registo as palavras do servidor.")
ERR_ROW(ERR_THROTTLED, "throttled", RETRY_LATER, 409, 75, "The server asks us to slow down", "It goes on by itself after the pause that the server asks for.",
	"O servidor pede para abrandar", "Continua sozinho depois da pausa pedida pelo servidor.")
ERR_ROW(ERR_QUOTA, "quota.exceeded", RETRY_NEVER, 409, 69, "The destination mailbox is full", "Raise its quota, then run the pass again.",
	"A caixa de destino está cheia", "Aumente a quota e repita a passagem.")
ERR_ROW(ERR_MESSAGE_TOO_LARGE, "message.too_large", RETRY_NEVER, 409, 65, "The destination refuses messages of this size", "Raise the limit there and retry the quarantine.",
	"O destino recusa mensagens deste tamanho", "Aumente o limite no destino e repita a quarentena.")
ERR_ROW(ERR_MESSAGE_REFUSED, "message.refused", RETRY_NEVER, 409, 65, "The destination refused a message", "See the server's words in the quarantine.",
	"O destino recusou uma mensagem", "Veja na quarentena as palavras do servidor.")
ERR_ROW(ERR_FOLDER_DENIED, "folder.denied", RETRY_NEVER, 409, 77, "A folder could not be opened or created", "Check the account's rights on the folder.",
	"Não foi possível abrir ou criar uma pasta", "Verifique os direitos da conta sobre a pasta.")
ERR_ROW(ERR_DEST_ALTERS, "destination.alters", RETRY_NEVER, 409, 65, "The destination changes the messages it is given", "Find out what rewrites mail there (a filter, a gateway) and switch it off before the bulk is copied.",
	"O destino altera as mensagens que recebe", "Descubra o que reescreve o correio lá (filtro, gateway) e desligue-o antes de copiar o grosso.")
ERR_ROW(ERR_DEST_UNKNOWN, "destination.unrecognised", RETRY_NEVER, 409, 65, "The destination already held messages that are none of the file's as they stand", "What another tool has altered came once more: verify names them as extra. Look at those, and delete there what is there twice.",
	"O destino já tinha mensagens que, tal como estão, não são do ficheiro", "O que outra ferramenta alterou foi copiado de novo: a verificação indica-as como excedentes. Veja-as e apague lá o que estiver repetido.")
ERR_ROW(ERR_DNS_REFUSED, "dns.refused", RETRY_NEVER, 409, 69, "The DNS provider refused the change", "See its words; check zone, rights and key. The old records stand.",
	"O fornecedor de DNS recusou a alteração", "Veja as palavras dele; verifique zona, direitos e chave. Os registos antigos mantêm-se.")
ERR_ROW(ERR_DNS_CHANGED, "dns.changed", RETRY_NEVER, 409, 75, "Somebody else changed the DNS records meanwhile", "Look at the records, then decide again.",
	"Entretanto outra pessoa alterou os registos DNS", "Veja os registos e decida novamente.")
ERR_ROW(ERR_DNS_MIXED, "dns.mixed", RETRY_NEVER, 409, 70, "The DNS records are neither the old nor the new ones, or cannot be read", "Look at them at the provider now and set them by hand.",
	"Os registos DNS não são os antigos nem os novos, ou não se conseguem ler", "Veja-os já no fornecedor e defina-os à mão.")
ERR_ROW(ERR_GATE_CLOSED, "gate.closed", RETRY_NEVER, 409, 75, "The gate is not ready for DNS, or has changed", "Look at its reasons; approve again when all is well.",
	"O gate não está pronto para DNS, ou mudou", "Veja as razões; aprove novamente quando estiver tudo bem.")
/* --- sources, state, tools --- */
ERR_ROW(ERR_PARTIAL, "partial", RETRY_NEVER, 409, 1, "Some messages could not be moved", "Look at the quarantine and the list of missing messages.",
	"Algumas mensagens não puderam ser movidas", "Veja a quarentena e a lista de mensagens em falta.")
ERR_ROW(ERR_SOURCE_EMPTY, "source.empty", RETRY_NEVER, 409, 65, "The source holds no messages", "Is it the right account? Accept it if it really is empty.",
	"A origem não tem mensagens", "É a conta certa? Aceite-a se estiver mesmo vazia.")
ERR_ROW(ERR_SOURCE_SHRANK, "source.shrank", RETRY_NEVER, 409, 65, "The source holds fewer messages than before", "Find out who deletes there; an ops lead may accept it.",
	"A origem tem menos mensagens do que antes", "Descubra quem apaga lá; um ops lead pode aceitá-lo.")
ERR_ROW(ERR_SOURCE_DAMAGED, "source.damaged", RETRY_NEVER, 409, 65, "The source file is damaged", "What could be read was moved; the report names the rest.",
	"O ficheiro de origem está danificado", "O que se pôde ler foi movido; o relatório indica o resto.")
ERR_ROW(ERR_SOURCE_OMITTED, "source.omitted", RETRY_NEVER, 409, 65, "Something in the source file is not taken along", "It is no mail, or was deleted there; the text says what.",
	"Algo no ficheiro de origem não é levado", "Não é correio ou já tinha sido apagado; o texto diz o quê.")
ERR_ROW(ERR_SOURCE_CHANGED, "source.changed", RETRY_ONCE, 409, 75, "The source changed while it was read", "Run the pass again.",
	"A origem mudou durante a leitura", "Repita a passagem.")
ERR_ROW(ERR_STATE_BUSY, "state.busy", RETRY_LATER, 409, 75, "Another copy of this mailbox is running", "Wait for it to end.",
	"Já há outra cópia desta caixa a correr", "Espere que termine.")
ERR_ROW(ERR_STATE_DAMAGED, "state.damaged", RETRY_ONCE, 409, 70, "The state file is damaged or of another mailbox", "It is rebuilt from both sides at the next pass.",
	"O ficheiro de estado está danificado ou é de outra caixa", "É reconstruído a partir dos dois lados na próxima passagem.")
ERR_ROW(ERR_TOOL_MISSING, "tool.missing", RETRY_NEVER, 409, 69, "A tool that this needs is not installed", "See migrationctl doctor for what to install.",
	"Falta instalar uma ferramenta necessária", "Veja em migrationctl doctor o que instalar.")
ERR_ROW(ERR_TOOL_FAILED, "tool.failed", RETRY_ONCE, 409, 70, "A tool ended unexpectedly", "See the run's log.",
	"Uma ferramenta terminou inesperadamente", "Veja o registo da execução.")
ERR_ROW(ERR_TOOL_STATE, "tool.state_lost", RETRY_NEVER, 409, 70, "What a tool has moved so far is not known any more", "Use the engine native, which recognises what is there; or empty the destination and remove the file that is named.",
	"Já não se sabe o que uma ferramenta moveu", "Use o motor native, que reconhece o que já lá está; ou esvazie o destino e remova o ficheiro indicado.")
ERR_ROW(ERR_UNSUPPORTED, "unsupported", RETRY_NEVER, 422, 69, "This combination is not supported", "See the manual for what is.",
	"Esta combinação não é suportada", "Veja no manual o que é suportado.")
/* --- the machine --- */
ERR_ROW(ERR_DISK_LOW, "disk.low", RETRY_LATER, 507, 74, "There is not enough free disk space", "Free space; it goes on by itself.",
	"Não há espaço livre suficiente em disco", "Liberte espaço; continua sozinho.")
ERR_ROW(ERR_IO, "io.failed", RETRY_ONCE, 500, 74, "Reading or writing failed", "See the log; check the disk.",
	"A leitura ou escrita falhou", "Veja o registo; verifique o disco.")
ERR_ROW(ERR_PERMISSION, "permission.denied", RETRY_NEVER, 500, 77, "The system refuses access", "Check owner and mode: migrationctl doctor.",
	"O sistema recusa o acesso", "Verifique dono e permissões: migrationctl doctor.")
ERR_ROW(ERR_DB, "database.failed", RETRY_ONCE, 500, 70, "The database failed", "See the log; check the disk.",
	"A base de dados falhou", "Veja o registo; verifique o disco.")
ERR_ROW(ERR_DB_BUSY, "database.busy", RETRY_LATER, 503, 75, "The database is busy", "Try again in a moment.",
	"A base de dados está ocupada", "Tente novamente dentro de momentos.")
ERR_ROW(ERR_DB_VERSION, "database.version", RETRY_NEVER, 503, 78, "The database has another version than the program", "Restart the service after the upgrade.",
	"A base de dados tem outra versão do que o programa", "Reinicie o serviço após a atualização.")
ERR_ROW(ERR_CONFIG, "config.invalid", RETRY_NEVER, 500, 78, "The settings are not valid", "Run the program with -t and correct what it names.",
	"As definições não são válidas", "Execute o programa com -t e corrija o que ele indicar.")
ERR_ROW(ERR_INTERNAL, "internal", RETRY_ONCE, 500, 70, "Something that must not happen happened", "See the log and report it.",
	"Aconteceu algo que não devia acontecer", "Veja o registo e comunique-o.")
