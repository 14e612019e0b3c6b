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

# De startpagina
front-plain = Een kleine hoster van de Essaim-federatie. Zijn domein is { $name }.
front-away = De gids is nu niet beschikbaar; alleen de configuratie wordt getoond. Probeer het over een minuut opnieuw.
join = Hoe wordt u lid
join-link = Lidmaatschap aanvragen
join-ask = Vraag het aan een mens:
room-open = Open voor nieuwe mensen
room-full = Op dit moment vol
room-unsaid = Hij zegt niet of er plaats is
contact = Contact
contact-none = Hij geeft geen contact op.
facts = Wat hij verklaart
maintenance = Aangekondigd onderhoud:
others = Andere hosters
others-count = { $count ->
    [one] De gids van deze node toont { $count } hoster.
   *[other] De gids van deze node toont { $count } hosters. Elk is onafhankelijk.
}
others-link = Zoek een hoster bij u in de buurt

# De lijst
list-title = Zoek een hoster
list-lead = Kleine onafhankelijke hosters bewaren mail, bestanden en agenda’s voor hun leden. Kies er een die dichtbij, open en betrouwbaar is.
list-faults = Een deel van uw zoekvraag is niet begrepen. Zie de gemarkeerde velden; voorlopig worden alle hosters getoond.
list-documents = Hetzelfde voor programma’s:
list-found = { $count ->
    [one] { $count } hoster
   *[other] { $count } hosters
}
list-none = Geen enkele hoster voldoet.
list-none-at-all = Eén voorwaarde weglaten helpt niet.
list-nearly = U vindt er meer als u één voorwaarde weglaat:
list-without = { $count ->
    [one] zonder “{ $name }”: { $count } meer
   *[other] zonder “{ $name }”: { $count } meer
}
list-all = Alle hosters
own = deze node
search = Hosters zoeken
search-more = Meer voorwaarden
search-go = Zoeken
any = maakt niet uit
field-near = In de buurt van (gemeente of graden)
field-within = Binnen
field-open = Nu open voor nieuwe mensen
field-service = Diensten
field-language = Spreekt een van
field-q = Woorden
field-price = Hoogstens, per maand
field-country = Land
field-form = Rechtsvorm
field-charter = Handvest
field-trust = Vertrouwen
trust-any = domein bevestigd
trust-reached = iemand die wij vertrouwen staat ervoor in
trust-endorsed = meerdere staan ervoor in
asked = U zoekt
asked-remove = (weglaten)
asked-near = bij { $name } ({ $km } km)
asked-q = “{ $name }”
asked-service = { $name }
asked-language = spreekt { $name }
asked-country = land: { $name }
asked-open = nu open
asked-price = hoogstens { $name }
asked-form = { $name }
asked-charter = handvest { $name }
asked-trust = { $name }
fault-place = Geen enkele hoster zegt dat hij daar is, dus is niet bekend waar dat ligt. Probeer een grotere gemeente in de buurt, of graden zoals 50.46, 4.87.
fault-too-long = Dit is te lang.
fault-text = Hier staan tekens in die niet gezocht kunnen worden.
fault-word = Woorden hebben hier alleen kleine letters, cijfers en streepjes.
fault-country = Een land heeft twee letters, zoals BE.
fault-open = Het enige mogelijke antwoord is yes.
fault-trust = Deze graad van vertrouwen bestaat niet.
fault-number = Dit getal is hier niet mogelijk.
fault-price = Schrijf een bedrag zoals 5 of 3,50.
distance = { $count ->
    [0] op minder dan een kilometer
   *[other] op { $count } km
}
pages = Pagina’s van de lijst
pages-at = Pagina { $page } van { $of }
pages-previous = Vorige pagina
pages-next = Volgende pagina
map = Kaart
map-about = De lijst en de kaart tonen hetzelfde. Plaatsen zijn met opzet bij benadering.
map-others = { $count ->
    [one] { $name } en { $count } andere in de buurt
   *[other] { $name } en { $count } andere in de buurt
}
map-not = Niet op deze kaart:
map-in-country = { $name }: { $count }
map-elsewhere = { $count ->
    [one] { $count } elders in de wereld
   *[other] { $count } elders in de wereld
}
map-unplaced = { $count ->
    [one] { $count } zegt alleen zijn streek, of niets
   *[other] { $count } zeggen alleen hun streek, of niets
}
map-source = Omtrekken: Natural Earth, publiek domein.

# Een hoster
seen = laatste teken { $name }
trust = Hoe ver hij hier vertrouwd wordt
tier-unproven = domein niet bevestigd
tier-unproven-why = Zijn domein zegt niet dat deze vermelding van hem is.
tier-proven = domein bevestigd
tier-proven-why = Zijn domein zegt dat deze vermelding van hem is. Niemand die deze node vertrouwt staat voor hem in.
tier-reached = aanbevolen
tier-reached-why = Iemand die deze node vertrouwt, rechtstreeks of via anderen, staat voor hem in.
tier-endorsed = door meerdere aanbevolen
tier-endorsed-why = Minstens twee hosters die deze node vertrouwt staan voor hem in, onafhankelijk van elkaar.
tier-own = deze hoster
tier-own-why = Dit is de hoster van deze node zelf.
tier-chosen = door deze node gekozen
tier-chosen-why = Deze node koos ervoor hem te vertrouwen: hun mensen kennen elkaar.
trust-path = Hoe dat vertrouwen tot stand komt
vouches-for = staat in voor
domain-proven = Deze node vroeg het { $name } aan het domein; het bevestigde de vermelding.
domain-failing = Het domein bevestigt de vermelding niet meer sinds deze node het { $name } vroeg.
domain-unasked = Deze node heeft het nog niet aan het domein gevraagd.
disputed = Tegenstrijdige sleutels
disputed-why = Sleutels van deze hoster ondertekenden dingen die elkaar tegenspreken: misschien gebruikt iemand anders ze. Vraag het de hoster langs een andere weg voor u op iets hier vertrouwt.
warned-by = { $name } waarschuwt:
vouches = Wie voor hem instaat
vouches-none = Nog niemand staat voor deze hoster in. Wat hij verklaart is zijn eigen woord.
vouched = staat in voor:
method-met = kent de mensen
method-visited = heeft de machines gezien
method-docs = heeft de documenten gelezen
method-probe = heeft het geprobeerd
method-member-of = telt hem onder zijn leden
until = tot { $name }
evidence = Bewijs
history = Geschiedenis van deze vermelding
history-none = Er is nog niets gewijzigd.
listing-id = Vermelding
source-declared = verklaard, { $name }
source-stale = verklaard, { $name }; sindsdien niets gehoord
source-probed = nagegaan door deze node, { $name }
sayer-tier = zelf hier: { $name }
source-unknown = niet nagegaan
since-year = sinds { $name }
fact-services = Diensten
fact-price = Prijs
fact-languages = Talen
fact-place = Plaats
fact-form = Rechtsvorm
fact-members = Leden
fact-provider = Machines
fact-energy = Energie
fact-charters = Handvesten die hij zegt na te leven
fact-terms = Voorwaarden
fact-website = Site

# Getallen en tijden
price = { $code ->
    [EUR] € { $amount } per maand
    [GBP] £ { $amount } per maand
    [USD] $ { $amount } per maand
   *[other] { $code } { $amount } per maand
}
price-bare = { $amount } per maand
price-free = gratis
decimal-mark = ,
ago-now = minder dan een uur geleden
ago-hours = { $count ->
    [one] { $count } uur geleden
   *[other] { $count } uur geleden
}
ago-days = { $count ->
    [one] { $count } dag geleden
   *[other] { $count } dagen geleden
}
ago-months = { $count ->
    [one] { $count } maand geleden
   *[other] { $count } maanden geleden
}
ago-years = { $count } jaar geleden
date = { $day } { $month } { $year }
time-same-day = { $day }, { $from } tot { $until } UTC
time-span = { $day }, { $from } tot { $last }, { $until } UTC
month-1 = januari
month-2 = februari
month-3 = maart
month-4 = april
month-5 = mei
month-6 = juni
month-7 = juli
month-8 = augustus
month-9 = september
month-10 = oktober
month-11 = november
month-12 = december
