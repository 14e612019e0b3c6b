# Mots de l’annuaire : la famille, un tiret, le mot tel que l’ont les fiches. Un mot absent d’ici est affiché tel quel.

service-mail = Courrier
service-files = Fichiers
service-calendar = Agendas
service-contacts = Contacts
service-chat = Messagerie instantanée
service-video = Visioconférence
service-web = Sites web
service-lists = Listes de diffusion
service-polls = Sondages
service-pads = Blocs-notes partagés
service-backup = Sauvegardes
service-git = Code
service-dns = Noms de domaine
service-photos = Photos
service-social = Réseau social

legal-form-association = Association
legal-form-informal = Collectif informel
legal-form-cooperative = Coopérative
legal-form-microcompany = Micro-entreprise
legal-form-company = Société
legal-form-individual = Une personne
legal-form-collective = Collectif d’hébergeurs
legal-form-other = Autre forme

provider-home = À domicile
provider-hosted-bay = Ses propres machines dans une baie louée
provider-hosted-server = Machines louées
provider-outsourced = Confiées à un tiers

who-anyone = pour tout le monde
who-members = pour les membres
who-region = pour les gens de la région
who-invited = sur invitation
who-organisations = pour les organisations
who-nobody = pour personne de nouveau

members-under-50 = Moins de 50
members-50-199 = De 50 à 199
members-200-999 = De 200 à 999
members-1000-or-more = 1 000 ou plus

energy-renewable = Renouvelable
energy-mixed = Mixte
energy-grid = Du réseau
energy-unknown = Inconnue

contact-email = Courriel
contact-url = Page
contact-phone = Téléphone
contact-xmpp = XMPP
contact-matrix = Matrix

terms-url = Conditions d’utilisation
terms-privacy = Vie privée

charter-chatons = CHATONS
charter-librehosters = Librehosters

point-backups = sauvegardes
point-exports = exports
point-charter = charte
point-identity = identité
point-support = assistance
point-terms = conditions

warning-spam = courrier indésirable
warning-closed = il a fermé
warning-data-lost = des données ont été perdues
warning-impostor = il n’est pas qui il prétend

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
