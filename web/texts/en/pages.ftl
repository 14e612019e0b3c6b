# The pages. One sentence each; { $name } and { $count } are filled in.

skip = Skip to the content
nav = Pages
nav-directory = Hosters
nav-languages = Languages
human = Write to a human:
software = This node runs Essaim, free software (AGPL-3.0-or-later).
back-home = Front page of { $name }

problem-absent = There is no such page
problem-absent-what = The address may have a typing mistake, or the page has moved.
problem-absent-hint = Start from the front page, or look for a hoster in the directory. If a link brought you here, please tell us.
problem-no-hoster = This hoster is not in the directory
problem-no-hoster-what = No hoster of this name is shown here: it may have left, its domain may not confirm it, or there is a typing mistake.
problem-no-hoster-hint = Look for it in the list of hosters; if it should be there, ask it to write to us.
problem-several-hosters = Several hosters claim this domain
problem-several-hosters-what = More than one listing says that it has this domain, and the domain confirms none of them better than the others.
problem-several-hosters-hint = Be careful with both. Ask the hoster itself for the address of its listing.
problem-too-long = This address is too long
problem-too-long-what = What is looked for is longer than anything in the directory.
problem-too-long-hint = Start again with fewer words.
problem-wrong-method = This page can only be read
problem-wrong-method-what = Your program sent something to a page that takes nothing.
problem-wrong-method-hint = Open the page in a browser, or use GET.
problem-away = The directory cannot be shown right now
problem-away-what = The node is starting, stopping or very busy. Nothing is lost.
problem-away-hint = Try again in a minute. If it stays like this, please write to us.
problem-broken = Something went wrong on our side
problem-broken-what = It is our mistake, not yours, and it is written in our log.
problem-broken-hint = Try again. If it happens again, please write to us what you were looking for.

# The front page
front-plain = A small hoster of the Essaim federation. Its domain is { $name }.
front-away = The directory is not available right now; only what is configured is shown. Try again in a minute.
join = How to join
join-link = Apply to join
join-ask = Ask a human:
room-open = Open to newcomers
room-full = Full at the moment
room-unsaid = It does not say whether there is room
contact = Contact
contact-none = It gives no contact.
facts = What it says
maintenance = Maintenance announced:
others = Other hosters
others-count = { $count ->
    [one] The directory of this node shows { $count } hoster.
   *[other] The directory of this node shows { $count } hosters. Every one of them is independent.
}
others-link = Find a hoster near you

# The list
list-title = Find a hoster
list-lead = Small independent hosters keep mail, files and calendars for their members. Choose one that is near, open and trusted.
list-faults = Part of what you are looking for cannot be understood. See the marked fields; all hosters are shown for now.
list-documents = The same for programs:
list-found = { $count ->
    [one] { $count } hoster
   *[other] { $count } hosters
}
list-none = No hoster matches.
list-none-at-all = Leaving out one thing would not help.
list-nearly = More are found if you leave out one thing:
list-without = { $count ->
    [one] without “{ $name }”: { $count } more
   *[other] without “{ $name }”: { $count } more
}
list-all = All hosters
own = this node
search = Search for hosters
search-more = More filters
search-go = Search
any = any
field-near = Near (municipality, or degrees)
field-within = Within
field-open = Open to newcomers now
field-service = Services
field-language = Speaks one of
field-q = Words
field-price = At most, a month
field-country = Country
field-form = Legal form
field-charter = Charter
field-trust = Trust
trust-any = domain confirmed
trust-reached = someone we trust vouches
trust-endorsed = several vouch
asked = You are looking for
asked-remove = (remove)
asked-near = near { $name } ({ $km } km)
asked-q = “{ $name }”
asked-service = { $name }
asked-language = speaks { $name }
asked-country = in { $name }
asked-open = open now
asked-price = at most { $name }
asked-form = { $name }
asked-charter = charter { $name }
asked-trust = { $name }
fault-place = No hoster says that it is there, so it is not known where that is. Try a larger municipality nearby, or degrees such as 50.46, 4.87.
fault-too-long = This is too long.
fault-text = This has characters that cannot be looked for.
fault-word = Words here have only small letters, digits and hyphens.
fault-country = A country has two letters, such as BE.
fault-open = The only possible answer is yes.
fault-trust = There is no such step of trust.
fault-number = This is not a number that is possible here.
fault-price = Write an amount such as 5 or 3.50.
distance = { $count ->
    [0] less than a kilometre away
   *[other] { $count } km away
}
pages = Pages of the list
pages-at = Page { $page } of { $of }
pages-previous = Previous page
pages-next = Next page
map = Map
map-about = The list and the map show the same. Places are coarse on purpose.
map-others = { $count ->
    [one] { $name } and one other nearby
   *[other] { $name } and { $count } others nearby
}
map-not = Not on this map:
map-in-country = { $name }: { $count }
map-elsewhere = { $count ->
    [one] { $count } elsewhere in the world
   *[other] { $count } elsewhere in the world
}
map-unplaced = { $count ->
    [one] { $count } says only its region, or nothing
   *[other] { $count } say only their region, or nothing
}
map-source = Outlines: Natural Earth, public domain.

# A hoster
seen = heard of { $name }
trust = How far it is trusted here
tier-unproven = domain not confirmed
tier-unproven-why = Its domain does not say that this listing is its own.
tier-proven = domain confirmed
tier-proven-why = Its domain says that this listing is its own. Nobody whom this node trusts has vouched for it.
tier-reached = vouched for
tier-reached-why = Someone whom this node trusts, directly or through others, has vouched for it.
tier-endorsed = vouched for by several
tier-endorsed-why = At least two hosters whom this node trusts have vouched for it, independently of each other.
tier-own = this hoster
tier-own-why = This is the hoster of this node itself.
tier-chosen = chosen by this node
tier-chosen-why = This node has chosen to trust it: their people know each other.
trust-path = How that trust comes about
vouches-for = vouches for
domain-proven = This node asked the domain { $name }; it confirmed the listing.
domain-failing = The domain has not confirmed the listing since this node asked it { $name }.
domain-unasked = This node has not asked the domain yet.
disputed = Contradicting keys
disputed-why = Keys of this hoster have signed things that contradict each other: somebody else may be using them. Ask the hoster by another way before you rely on anything here.
warned-by = { $name } warns:
vouches = Who vouches for it
vouches-none = Nobody has vouched for this hoster yet. What it says is its own word.
vouched = vouches for:
method-met = knows the people
method-visited = has seen the machines
method-docs = has read the documents
method-probe = has tried it
method-member-of = counts it among its members
until = until { $name }
evidence = Evidence
history = History of this listing
history-none = Nothing was changed yet.
listing-id = Listing
source-declared = declared { $name }
source-stale = declared { $name }, nothing heard since
source-probed = checked by this node { $name }
sayer-tier = itself here: { $name }
source-unknown = not verified
since-year = since { $name }
fact-services = Services
fact-price = Price
fact-languages = Languages
fact-place = Place
fact-form = Legal form
fact-members = Members
fact-provider = Machines
fact-energy = Energy
fact-charters = Charters it says it keeps
fact-terms = Terms
fact-website = Site

# Numbers and times
price = { $code ->
    [EUR] €{ $amount } a month
    [GBP] £{ $amount } a month
    [USD] ${ $amount } a month
   *[other] { $code } { $amount } a month
}
price-bare = { $amount } a month
price-free = free
decimal-mark = .
ago-now = less than an hour ago
ago-hours = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
ago-days = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
ago-months = { $count ->
    [one] { $count } month ago
   *[other] { $count } months ago
}
ago-years = { $count ->
    [one] { $count } year ago
   *[other] { $count } years ago
}
date = { $day } { $month } { $year }
time-same-day = { $day }, { $from } to { $until } UTC
time-span = { $day }, { $from } to { $last }, { $until } UTC
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
