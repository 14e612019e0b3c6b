# Les pages. Une phrase par entrée ; { $name } et { $count } sont remplacés.

skip = Aller au contenu
nav = Pages
nav-directory = Hébergeurs
nav-languages = Langues
human = Écrire à un humain :
software = Ce nœud fonctionne avec Essaim, un logiciel libre (AGPL-3.0-or-later).
back-home = Accueil de { $name }

problem-absent = Cette page n’existe pas
problem-absent-what = L’adresse contient peut-être une faute de frappe, ou la page a été déplacée.
problem-absent-hint = Repartez de l’accueil, ou cherchez un hébergeur dans l’annuaire. Si un lien vous a conduit ici, dites-le-nous.
problem-no-hoster = Cet hébergeur n’est pas dans l’annuaire
problem-no-hoster-what = Aucun hébergeur de ce nom n’est affiché ici : il est peut-être parti, son domaine ne le confirme peut-être pas, ou il y a une faute de frappe.
problem-no-hoster-hint = Cherchez-le dans la liste des hébergeurs ; s’il devrait y être, demandez-lui de nous écrire.
problem-several-hosters = Plusieurs hébergeurs revendiquent ce domaine
problem-several-hosters-what = Plus d’une fiche dit avoir ce domaine, et le domaine n’en confirme aucune mieux que les autres.
problem-several-hosters-hint = Méfiez-vous de toutes. Demandez à l’hébergeur lui-même l’adresse de sa fiche.
problem-too-long = Cette adresse est trop longue
problem-too-long-what = Ce qui est cherché est plus long que tout ce que contient l’annuaire.
problem-too-long-hint = Recommencez avec moins de mots.
problem-wrong-method = Cette page ne peut être que lue
problem-wrong-method-what = Votre programme a envoyé quelque chose à une page qui n’accepte rien.
problem-wrong-method-hint = Ouvrez la page dans un navigateur, ou utilisez GET.
problem-away = L’annuaire ne peut pas être affiché maintenant
problem-away-what = Le nœud démarre, s’arrête ou est très occupé. Rien n’est perdu.
problem-away-hint = Réessayez dans une minute. Si cela dure, écrivez-nous.
problem-broken = Quelque chose s’est mal passé de notre côté
problem-broken-what = L’erreur vient de nous, pas de vous, et elle est notée dans notre journal.
problem-broken-hint = Réessayez. Si cela se reproduit, écrivez-nous ce que vous cherchiez.

# L’accueil
front-plain = Un petit hébergeur de la fédération Essaim. Son domaine est { $name }.
front-away = L’annuaire n’est pas disponible pour l’instant ; seule la configuration est affichée. Réessayez dans une minute.
join = Comment s’inscrire
join-link = Demander à rejoindre
join-ask = Demander à un humain :
room-open = Ouvert aux nouvelles personnes
room-full = Complet pour le moment
room-unsaid = Il ne dit pas s’il y a de la place
contact = Contact
contact-none = Il ne donne aucun contact.
facts = Ce qu’il déclare
maintenance = Maintenance annoncée :
others = Autres hébergeurs
others-count = { $count ->
    [one] L’annuaire de ce nœud montre { $count } hébergeur.
   *[other] L’annuaire de ce nœud montre { $count } hébergeurs. Chacun est indépendant.
}
others-link = Trouver un hébergeur près de chez vous

# La liste
list-title = Trouver un hébergeur
list-lead = De petits hébergeurs indépendants gardent le courrier, les fichiers et les agendas de leurs membres. Choisissez-en un qui soit proche, ouvert et digne de confiance.
list-faults = Une partie de votre recherche n’a pas été comprise. Voyez les champs marqués ; en attendant, tous les hébergeurs sont affichés.
list-documents = La même chose pour les programmes :
list-found = { $count ->
    [one] { $count } hébergeur
   *[other] { $count } hébergeurs
}
list-none = Aucun hébergeur ne correspond.
list-none-at-all = Retirer un seul critère n’y changerait rien.
list-nearly = On en trouve davantage en retirant un critère :
list-without = { $count ->
    [one] sans « { $name } » : { $count } de plus
   *[other] sans « { $name } » : { $count } de plus
}
list-all = Tous les hébergeurs
own = ce nœud
search = Chercher des hébergeurs
search-more = Plus de critères
search-go = Chercher
any = peu importe
field-near = Près de (commune ou degrés)
field-within = Dans un rayon de
field-open = Ouvert aux nouvelles personnes
field-service = Services
field-language = Parle une de ces langues
field-q = Mots
field-price = Au plus, par mois
field-country = Pays
field-form = Forme juridique
field-charter = Charte
field-trust = Confiance
trust-any = domaine confirmé
trust-reached = recommandé par quelqu’un de confiance
trust-endorsed = recommandé par plusieurs
asked = Vous cherchez
asked-remove = (retirer)
asked-near = près de { $name } ({ $km } km)
asked-q = « { $name } »
asked-service = { $name }
asked-language = parle { $name }
asked-country = pays : { $name }
asked-open = ouvert maintenant
asked-price = au plus { $name }
asked-form = { $name }
asked-charter = charte { $name }
asked-trust = { $name }
fault-place = Aucun hébergeur ne dit s’y trouver : on ne sait donc pas où c’est. Essayez une commune plus grande à proximité, ou des degrés comme 50.46, 4.87.
fault-too-long = C’est trop long.
fault-text = Certains caractères ne peuvent pas être cherchés.
fault-word = Ici, un mot n’a que des minuscules, des chiffres et des traits d’union.
fault-country = Un pays s’écrit en deux lettres, comme BE.
fault-open = La seule réponse possible est yes.
fault-trust = Ce degré de confiance n’existe pas.
fault-number = Ce nombre n’est pas possible ici.
fault-price = Écrivez un montant comme 5 ou 3,50.
distance = { $count ->
    [0] à moins d’un kilomètre
   *[other] à { $count } km
}
pages = Pages de la liste
pages-at = Page { $page } sur { $of }
pages-previous = Page précédente
pages-next = Page suivante
map = Carte
map-about = La liste et la carte montrent la même chose. Les lieux sont volontairement approximatifs.
map-others = { $count ->
    [one] { $name } et { $count } autre à proximité
   *[other] { $name } et { $count } autres à proximité
}
map-not = Pas sur cette carte :
map-in-country = { $name } : { $count }
map-elsewhere = { $count ->
    [one] { $count } ailleurs dans le monde
   *[other] { $count } ailleurs dans le monde
}
map-unplaced = { $count ->
    [one] { $count } ne dit que sa région, ou rien
   *[other] { $count } ne disent que leur région, ou rien
}
map-source = Contours : Natural Earth, domaine public.

# Un hébergeur
seen = dernier signe { $name }
trust = Quelle confiance on lui fait ici
tier-unproven = domaine non confirmé
tier-unproven-why = Son domaine ne dit pas que cette fiche est la sienne.
tier-proven = domaine confirmé
tier-proven-why = Son domaine dit que cette fiche est la sienne. Personne à qui ce nœud fait confiance ne s’en est porté garant.
tier-reached = recommandé
tier-reached-why = Quelqu’un à qui ce nœud fait confiance, directement ou par d’autres, s’en est porté garant.
tier-endorsed = recommandé par plusieurs
tier-endorsed-why = Au moins deux hébergeurs à qui ce nœud fait confiance s’en sont portés garants, indépendamment l’un de l’autre.
tier-own = cet hébergeur
tier-own-why = C’est l’hébergeur de ce nœud lui-même.
tier-chosen = choisi par ce nœud
tier-chosen-why = Ce nœud a choisi de lui faire confiance : leurs gens se connaissent.
trust-path = D’où vient cette confiance
vouches-for = se porte garant de
domain-proven = Ce nœud a interrogé le domaine { $name } ; il a confirmé la fiche.
domain-failing = Le domaine ne confirme plus la fiche depuis que ce nœud l’a interrogé { $name }.
domain-unasked = Ce nœud n’a pas encore interrogé le domaine.
disputed = Clés contradictoires
disputed-why = Des clés de cet hébergeur ont signé des choses qui se contredisent : quelqu’un d’autre les utilise peut-être. Interrogez l’hébergeur par un autre moyen avant de vous fier à cette fiche.
warned-by = { $name } met en garde :
vouches = Qui s’en porte garant
vouches-none = Personne ne s’est encore porté garant de cet hébergeur. Ce qu’il déclare n’engage que lui.
vouched = se porte garant de :
method-met = connaît les personnes
method-visited = a vu les machines
method-docs = a lu les documents
method-probe = l’a essayé
method-member-of = le compte parmi ses membres
until = jusqu’au { $name }
evidence = Preuve
history = Historique de cette fiche
history-none = Rien n’a encore été modifié.
listing-id = Fiche
source-declared = déclaré { $name }
source-stale = déclaré { $name }, plus de nouvelles depuis
source-probed = vérifié par ce nœud { $name }
sayer-tier = lui-même ici : { $name }
source-unknown = non vérifié
since-year = depuis { $name }
fact-services = Services
fact-price = Prix
fact-languages = Langues
fact-place = Lieu
fact-form = Forme juridique
fact-members = Membres
fact-provider = Machines
fact-energy = Énergie
fact-charters = Chartes qu’il dit respecter
fact-terms = Conditions
fact-website = Site

# Nombres et temps
price = { $code ->
    [EUR] { $amount } € par mois
    [GBP] { $amount } £ par mois
    [USD] { $amount } $ par mois
   *[other] { $amount } { $code } par mois
}
price-bare = { $amount } par mois
price-free = gratuit
decimal-mark = ,
ago-now = il y a moins d’une heure
ago-hours = { $count ->
    [one] il y a { $count } heure
   *[other] il y a { $count } heures
}
ago-days = { $count ->
    [one] il y a { $count } jour
   *[other] il y a { $count } jours
}
ago-months = il y a { $count } mois
ago-years = { $count ->
    [one] il y a { $count } an
   *[other] il y a { $count } ans
}
date = { $day ->
    [1] 1er { $month } { $year }
   *[other] { $day } { $month } { $year }
}
time-same-day = { $day }, de { $from } à { $until } UTC
time-span = du { $day }, { $from }, au { $last }, { $until } UTC
month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre
