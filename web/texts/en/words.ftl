# Words of the directory: the family, a hyphen, the word as listings have it. A word that is not here is shown as it is.

service-mail = Mail
service-files = Files
service-calendar = Calendars
service-contacts = Contacts
service-chat = Chat
service-video = Video calls
service-web = Websites
service-lists = Mailing lists
service-polls = Polls
service-pads = Shared pads
service-backup = Backups
service-git = Code
service-dns = Domain names
service-photos = Photos
service-social = Social network

legal-form-association = Association
legal-form-informal = Informal group
legal-form-cooperative = Cooperative
legal-form-microcompany = Microcompany
legal-form-company = Company
legal-form-individual = One person
legal-form-collective = Collective of hosters
legal-form-other = Another form

provider-home = At home
provider-hosted-bay = Its own machines in a rented bay
provider-hosted-server = Rented machines
provider-outsourced = Run by somebody else

who-anyone = for anyone
who-members = for members
who-region = for people of the region
who-invited = by invitation
who-organisations = for organisations
who-nobody = for nobody new

members-under-50 = Fewer than 50
members-50-199 = 50 to 199
members-200-999 = 200 to 999
members-1000-or-more = 1,000 or more

energy-renewable = Renewable
energy-mixed = Mixed
energy-grid = From the grid
energy-unknown = Not known

contact-email = Mail
contact-url = Page
contact-phone = Telephone
contact-xmpp = XMPP
contact-matrix = Matrix

terms-url = Terms of use
terms-privacy = Privacy

charter-chatons = CHATONS
charter-librehosters = Librehosters

point-backups = backups
point-exports = exports
point-charter = charter
point-identity = identity
point-support = support
point-terms = terms

warning-spam = spam
warning-closed = it has closed
warning-data-lost = data were lost
warning-impostor = it is not who it says

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
