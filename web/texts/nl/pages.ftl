# De pagina's. Eén zin per regel; { $name } en { $count } worden ingevuld.

skip = Naar de inhoud
nav = Pagina’s
nav-directory = Hosters
nav-languages = Talen
human = Schrijf naar een mens:
software = Deze node draait op Essaim, vrije software (AGPL-3.0-or-later).
back-home = Startpagina van { $name }

problem-absent = Deze pagina bestaat niet
problem-absent-what = Misschien staat er een tikfout in het adres, of is de pagina verplaatst.
problem-absent-hint = Begin opnieuw op de startpagina, of zoek een hoster in de gids. Bracht een link u hier, laat het ons dan weten.
problem-no-hoster = Deze hoster staat niet in de gids
problem-no-hoster-what = Geen hoster met deze naam wordt hier getoond: misschien is hij vertrokken, bevestigt zijn domein hem niet, of is er een tikfout.
problem-no-hoster-hint = Zoek hem in de lijst van hosters; hoort hij daar te staan, vraag hem dan ons te schrijven.
problem-several-hosters = Meerdere hosters eisen dit domein op
problem-several-hosters-what = Meer dan één vermelding zegt dit domein te hebben, en het domein bevestigt geen ervan beter dan de andere.
problem-several-hosters-hint = Wees voorzichtig met allemaal. Vraag de hoster zelf naar het adres van zijn vermelding.
problem-too-long = Dit adres is te lang
problem-too-long-what = Wat gezocht wordt is langer dan alles wat in de gids staat.
problem-too-long-hint = Begin opnieuw met minder woorden.
problem-wrong-method = Deze pagina kan alleen gelezen worden
problem-wrong-method-what = Uw programma stuurde iets naar een pagina die niets aanneemt.
problem-wrong-method-hint = Open de pagina in een browser, of gebruik GET.
problem-away = De gids kan nu niet getoond worden
problem-away-what = De node start, stopt of is erg druk. Er is niets verloren.
problem-away-hint = Probeer het over een minuut opnieuw. Blijft het zo, schrijf ons dan.
problem-broken = Er ging bij ons iets mis
problem-broken-what = De fout ligt bij ons, niet bij u, en staat in ons logboek.
problem-broken-hint = Probeer het opnieuw. Gebeurt het nog eens, schrijf ons dan wat u zocht.

list-found = { $count ->
    [one] { $count } hoster
   *[other] { $count } hosters
}
