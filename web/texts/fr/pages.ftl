# Les pages. Une phrase par entrée ; { $name } et { $count } sont remplacés.

skip = Aller au contenu
nav = Pages
nav-directory = Hébergeurs
nav-languages = Langues
human = Écrire à un humain :
software = Ce nœud fonctionne avec Essaim, un logiciel libre (AGPL-3.0-or-later).
back-home = Accueil de { $name }

problem-absent = Cette page n’existe pas
problem-absent-what = L’adresse contient peut-être une faute de frappe, ou la page a été déplacée.
problem-absent-hint = Repartez de l’accueil, ou cherchez un hébergeur dans l’annuaire. Si un lien vous a conduit ici, dites-le-nous.
problem-no-hoster = Cet hébergeur n’est pas dans l’annuaire
problem-no-hoster-what = Aucun hébergeur de ce nom n’est affiché ici : il est peut-être parti, son domaine ne le confirme peut-être pas, ou il y a une faute de frappe.
problem-no-hoster-hint = Cherchez-le dans la liste des hébergeurs ; s’il devrait y être, demandez-lui de nous écrire.
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

list-found = { $count ->
    [one] { $count } hébergeur
   *[other] { $count } hébergeurs
}
