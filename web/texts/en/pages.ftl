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

list-found = { $count ->
    [one] { $count } hoster
   *[other] { $count } hosters
}
