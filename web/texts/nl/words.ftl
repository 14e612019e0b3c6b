# Woorden van de gids: de familie, een streepje, het woord zoals vermeldingen het hebben. Een woord dat hier niet staat wordt getoond zoals het is.

service-mail = Mail
service-files = Bestanden
service-calendar = Agenda’s
service-contacts = Contacten
service-chat = Chat
service-video = Videobellen
service-web = Websites
service-lists = Mailinglijsten
service-polls = Peilingen
service-pads = Gedeelde kladblokken
service-backup = Back-ups
service-git = Code
service-dns = Domeinnamen
service-photos = Foto’s
service-social = Sociaal netwerk

legal-form-association = Vereniging
legal-form-informal = Feitelijke vereniging
legal-form-cooperative = Coöperatie
legal-form-microcompany = Micro-onderneming
legal-form-company = Vennootschap
legal-form-individual = Eén persoon
legal-form-collective = Collectief van hosters
legal-form-other = Andere vorm

provider-home = Thuis
provider-hosted-bay = Eigen machines in een gehuurd rek
provider-hosted-server = Gehuurde machines
provider-outsourced = Door een ander beheerd

who-anyone = voor iedereen
who-members = voor leden
who-region = voor mensen uit de streek
who-invited = op uitnodiging
who-organisations = voor organisaties
who-nobody = voor niemand nieuws

members-under-50 = Minder dan 50
members-50-199 = 50 tot 199
members-200-999 = 200 tot 999
members-1000-or-more = 1.000 of meer

energy-renewable = Hernieuwbaar
energy-mixed = Gemengd
energy-grid = Van het net
energy-unknown = Onbekend

contact-email = E-mail
contact-url = Pagina
contact-phone = Telefoon
contact-xmpp = XMPP
contact-matrix = Matrix

terms-url = Gebruiksvoorwaarden
terms-privacy = Privacy

charter-chatons = CHATONS
charter-librehosters = Librehosters

point-backups = back-ups
point-exports = exports
point-charter = handvest
point-identity = identiteit
point-support = hulp
point-terms = voorwaarden

warning-spam = spam
warning-closed = hij is gestopt
warning-data-lost = er gingen gegevens verloren
warning-impostor = hij is niet wie hij zegt

language-fr = français
language-nl = Nederlands
language-en = English
language-de = Deutsch
language-es = español
language-it = italiano
language-pt = português
language-ca = català
language-eu = euskara
language-br = brezhoneg
language-oc = occitan
language-lb = Lëtzebuergesch
language-pl = polski
language-cs = čeština
language-sk = slovenčina
language-sl = slovenščina
language-hr = hrvatski
language-sr = српски
language-hu = magyar
language-ro = română
language-bg = български
language-el = ελληνικά
language-tr = Türkçe
language-ar = العربية
language-uk = українська
language-ru = русский
language-sv = svenska
language-da = dansk
language-no = norsk
language-fi = suomi
language-et = eesti
language-lv = latviešu
language-lt = lietuvių
language-ga = Gaeilge
language-fy = Frysk
language-li = Limburgs
language-wa = walon
language-eo = Esperanto
