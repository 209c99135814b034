"""Makes a mailbox like those that companies have after fifteen years: the same one for the same seed.

Nested folders with accents, flags and keywords, attachments, dates over years and time zones, text in
old and new charsets, messages without Message-Id, exact twins, equal Message-Ids on different messages,
raw 8-bit headers, over-long lines, empty folders, folders nobody subscribed to.
"""

import base64
import dataclasses
import datetime
import quopri
import random
from email.header import Header

UTC = datetime.timezone.utc
_ZONES = [-3, -3, -3, -2, 0, 1, 5.5, -5]
_PEOPLE = [("João Conceição", "joao@parceiro.example"), ("Márcia Araújo", "marcia@cliente.example"),
           ("Svetlana Иванова", "svetlana@fornecedor.example"), ("Bob O'Neil", "bob@partner.example"),
           ("Contabilidade", "contabil@escritorio.example"), ("Zoë Müller", "zoe@firma.example"),
           ("田中 太郎", "tanaka@tokyo.example"), ("no-reply", "no-reply@loja.example")]
_SUBJECTS = ["Proposta comercial", "Re: Orçamento nº 2041", "Reunião de segunda-feira", "Fatura vencida",
             "Fwd: Contrato revisado — versão final", "Lista de preços", "Férias", "Invoice 2019-114",
             "Atualização do sistema", "Ação trabalhista", "Confirmação de pedido", "您的订单", "✈ Passagens",
             "Boletim informativo", "Re: Re: Re: Re: dúvida", "Nota fiscal eletrônica"]
_WORDS = ("prezado cliente segue anexo o documento solicitado favor confirmar recebimento atenciosamente equipe "
          "comercial reunião amanhã às dez horas não esqueça relatório anual orçamento aprovação produção "
          "instalação máquina peças garantia pagamento vencimento depósito conta obrigado ligação urgente").split()
_KEYWORDS = ["$Forwarded", "$Label1", "NonJunk", "Cliente-VIP", "$MDNSent", "Financeiro"]
_FILES = [("relatório.pdf", "application/pdf"), ("planilha 2018.xls", "application/vnd.ms-excel"),
          ("foto.jpg", "image/jpeg"), ("contrato assinado.docx", "application/octet-stream"),
          ("点検表.txt", "text/plain")]

# path, share of the mailbox's messages, subscribed
_TREE = [
    ("INBOX", 30, True), ("Sent", 18, True), ("Drafts", 2, True), ("Trash", 4, True), ("Junk", 2, False),
    ("Archive", 6, True), ("Clientes", 3, True), ("Clientes/São Paulo", 5, True),
    ("Clientes/São Paulo/Orçamentos & Propostas", 4, True), ("Clientes/São Paulo/Concluídos", 2, False),
    ("Clientes/Ribeirão Preto", 3, True), ("Fornecedores", 2, True), ("Fornecedores/日本", 2, True),
    ("Fornecedores/Vazio", 0, True), ("Pessoal", 2, False), ("Pessoal/Família (Natal)", 2, False),
    ("Pessoal/Família (Natal)/Fotos de 2009", 2, True), ("Notas \"importantes\"", 2, True),
    ("Ação!", 2, True), ("Backup~2014 100%", 2, False), ("Sem mensagens", 0, False),
]


@dataclasses.dataclass
class Message:
    data: bytes
    date: datetime.datetime
    flags: tuple

    @property
    def internal_date(self):
        """In IMAP's date-time form (English months whatever the locale)."""
        month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[self.date.month - 1]
        return f"{self.date.day:2d}-{month}-{self.date:%Y %H:%M:%S %z}"


@dataclasses.dataclass
class Folder:
    path: str
    subscribed: bool
    messages: list


class Generator:
    """A stream of messages for one account."""

    def __init__(self, user, seed):
        self.user = user
        self._random = random.Random(f"{seed}/{user}")
        self._serial = 0

    def mailbox(self, messages=400, biggest=3 * 1024 * 1024):
        """The folders of a mailbox with about that many messages, one of them `biggest` bytes."""
        whole = sum(share for _, share, _ in _TREE)
        folders = []
        for path, share, subscribed in _TREE:
            count = max(1, messages * share // whole) if share else 0
            folders.append(Folder(path, subscribed, [self.message() for _ in range(count)]))
        self._hard_cases(folders[0])
        if biggest:
            folders[1].messages.append(self.message(attachment=biggest))
        return folders

    def new_mail(self, count=12):
        """What arrives in INBOX while a migration goes on: recent and mostly unread."""
        now = datetime.datetime.now(UTC).replace(microsecond=0)
        return [self.message(date=now - datetime.timedelta(seconds=count - i), flags=()) for i in range(count)]

    def message(self, attachment=None, date=None, flags=None, message_id=True, subject=None):
        """One message. attachment: bytes of the file in it (None: as chance has it)."""
        rnd = self._random
        self._serial += 1
        date = date or self._date()
        name, address = rnd.choice(_PEOPLE)
        charset = rnd.choice(["utf-8", "utf-8", "utf-8", "iso-8859-1", "windows-1252"])
        subject = subject or f"{rnd.choice(_SUBJECTS)} ({self._serial})"
        head = [f"Return-Path: <{address}>",
                f"Received: from mx{rnd.randrange(9)}.example (mx.example [192.0.2.{rnd.randrange(1, 255)}])\r\n"
                f"\tby mail.example with ESMTPS id {rnd.getrandbits(48):012X}\r\n\tfor <{self.user}>; {_rfc5322(date)}",
                f"From: {Header(name, 'utf-8').encode()} <{address}>", f"To: <{self.user}>",
                f"Subject: {Header(subject, 'utf-8', header_name='Subject').encode(linesep=chr(13) + chr(10))}",
                f"Date: {_rfc5322(date)}", "MIME-Version: 1.0"]
        if message_id:
            head.append(f"Message-ID: <{rnd.getrandbits(64):016x}.{self._serial}@{address.split('@')[1]}>")
        if attachment is None and rnd.random() < 0.18:
            attachment = rnd.choice([200, 4000, 30000, 30000, 120000, 400000])
        extra, body = self._body(charset, attachment)
        data = "\r\n".join(head + extra).encode() + b"\r\n\r\n" + body
        return Message(data, date, flags if flags is not None else self._flags())

    def _body(self, charset, attachment):
        plain = self._text(charset)
        choice = self._random.random()
        if attachment is None and choice < 0.55:
            return self._leaf("text/plain", charset, plain)
        if attachment is None and choice < 0.62:
            return [f"Content-Type: text/plain; charset={charset}", "Content-Transfer-Encoding: 8bit"], plain
        html = (b"<html><body><p>" + plain.replace(b"\r\n", b"<br>\r\n") + b"</p></body></html>\r\n")
        alternative = self._multipart("alternative", [self._leaf("text/plain", charset, plain),
                                                      self._leaf("text/html", charset, html)])
        if attachment is None:
            return alternative
        return self._multipart("mixed", [alternative, self._attachment(attachment)])

    def _multipart(self, kind, parts):
        boundary = f"=_{self._random.getrandbits(80):020x}"
        body = b"This is a multi-part message in MIME format.\r\n" if kind == "mixed" else b""
        for headers, content in parts:
            body += b"--" + boundary.encode() + b"\r\n" + "\r\n".join(headers).encode("ascii") + b"\r\n\r\n" + content
            body += b"" if content.endswith(b"\r\n") else b"\r\n"
        body += b"--" + boundary.encode() + b"--\r\n"
        return [f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"'], body

    @staticmethod
    def _leaf(kind, charset, data):
        body = quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
        return [f"Content-Type: {kind}; charset={charset}", "Content-Transfer-Encoding: quoted-printable"], body

    def _attachment(self, size):
        name, kind = self._random.choice(_FILES)
        coded = base64.encodebytes(self._random.randbytes(size)).replace(b"\n", b"\r\n")
        name = "".join(chr(c) if c < 128 and c not in b"% '" else f"%{c:02X}" for c in name.encode())
        return [f"Content-Type: {kind}", f"Content-Disposition: attachment;\r\n filename*=UTF-8''{name}",
                "Content-Transfer-Encoding: base64"], coded

    def _text(self, charset):
        rnd = self._random
        lines = [" ".join(rnd.choices(_WORDS, k=rnd.randrange(4, 12))) for _ in range(rnd.randrange(2, 30))]
        if rnd.random() < 0.1:
            lines.insert(1, "From esta linha começa com From e .")
            lines.insert(2, ".")
        return ("\r\n".join(lines) + "\r\n").encode(charset, "replace")

    def _date(self):
        rnd = self._random
        start = datetime.datetime(2009, 3, 1, tzinfo=UTC).timestamp()
        end = datetime.datetime(2026, 6, 1, tzinfo=UTC).timestamp()
        zone = datetime.timezone(datetime.timedelta(hours=rnd.choice(_ZONES)))
        return datetime.datetime.fromtimestamp(int(rnd.uniform(start, end)), zone)

    def _flags(self):
        rnd = self._random
        flags = [f for f, chance in (("\\Seen", 0.8), ("\\Answered", 0.2), ("\\Flagged", 0.1), ("\\Draft", 0.03),
                                     ("\\Deleted", 0.02)) if rnd.random() < chance]
        flags += [k for k in _KEYWORDS if rnd.random() < 0.05]
        return tuple(flags)

    def _hard_cases(self, inbox):
        """What makes migrations lose or double mail, a few of each."""
        add = inbox.messages.append
        for i in range(4):
            add(self.message(message_id=False, subject=f"sem Message-Id {i}"))
        twin = self.message(subject="gêmeas idênticas")
        for flags in ((), ("\\Seen",), ("\\Seen",)):
            add(Message(twin.data, twin.date, flags))
        bare = self.message(message_id=False, subject="gêmeas sem Message-Id")
        for _ in range(2):
            add(Message(bare.data, bare.date, bare.flags))
        one = self.message(subject="mesmo Message-Id, outro corpo")
        add(one)
        add(Message(one.data + b"segunda vers\xc3\xa3o\r\n", one.date, one.flags))
        add(Message(one.data, one.date + datetime.timedelta(days=1), one.flags))
        raw = ("From: Jos\u00e9 <jose@antigo.example>\r\nSubject: Relat\u00f3rio de mar\u00e7o\r\n"
               f"To: {self.user.encode('ascii', 'replace').decode()}\r\nDate: {_rfc5322(one.date)}\r\n\r\nacentua\u00e7\u00e3o crua\r\n")
        add(Message(raw.encode("latin-1"), one.date, ("\\Seen",)))
        add(Message(raw.encode("utf-8"), one.date, ()))
        add(Message(twin.data + b"x" * 9000 + b"\r\n", twin.date, ()))
        add(Message(b"Subject: so cabecalho\r\n\r\n", twin.date, ()))
        add(Message(b"\r\nsem cabecalho nenhum\r\n", twin.date, ()))
        add(Message(b"Subject: sem fim de linha\r\n\r\nultima linha", twin.date, ()))
        add(Message(twin.data, datetime.datetime(1994, 7, 4, 23, 59, 59, tzinfo=UTC), ()))


def _rfc5322(date):
    day = "Mon Tue Wed Thu Fri Sat Sun".split()[date.weekday()]
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[date.month - 1]
    return f"{day}, {date.day:02d} {month} {date:%Y %H:%M:%S %z}"


def deliver(loader, folders):
    """Creates the folders and puts the messages into them; returns (messages, bytes)."""
    count = size = 0
    for folder in folders:
        loader.create(folder.path, folder.subscribed)
        loader.append(folder.path, [(m.data, m.internal_date, m.flags) for m in folder.messages])
        count += len(folder.messages)
        size += sum(len(m.data) for m in folder.messages)
    return count, size
