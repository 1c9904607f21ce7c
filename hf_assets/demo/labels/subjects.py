"""What generated datasets are about: thirty subjects in the form of `topics`."""

from hf_assets.demo.labels.topics import read_topics

DATASET_TOPICS = read_topics(
    """
business @money
= quarterly revenue; company branches; sales orders; suppliers; invoices; customer accounts
> forecast sales; compare branches; find customers who leave
! refunds are negative amounts; one branch closed half-way through
health @life
= patients; hospital stays; blood pressure; body mass index; diagnoses; vaccinations; clinics
> predict a stay's length; study risk factors; compare clinics
! ages above 90 are capped; diagnoses changed their code in 2015
image @media
= photographs; labelled pictures; bounding boxes; 224 by 224 crops; masks; thumbnails
> train an image classifier; test a detector; learn segmentation
! some files are rotated; a few pictures are near copies
finance @money
= stock prices; closing values; exchange rates; dividends; portfolios; loans; credit scores
> back-test a strategy; estimate volatility; model default
! prices are not adjusted for splits; holidays are left out
education @people
= students; exam marks; schools; courses; attendance; scholarships; reading scores
> predict dropout; compare teaching; study fairness of marks
! names are replaced by numbers; one school marks from 0 to 20
sports @leisure
= matches; goals; players; leagues; seasons; referees; league tables; transfers
> predict the winner; rate players; plot a season
! abandoned matches have no score; team names changed
text @media
= sentences; short reviews; articles; headlines; paragraphs; annotated documents; dialogues
> classify documents; learn a language model; detect topics
! some texts are empty; a few lines are in another language
earth-and-nature @nature
= rivers; volcanoes; forests; earthquakes; soil samples; coast lines; national parks
> map hazards; study soil; follow a river's level
! coordinates are rounded; stations moved
weather @nature
= daily temperature; rainfall; wind speed; humidity; air pressure; storms; stations
> forecast rain; study warming; fill gaps between stations
! snow is counted as rain; one sensor was replaced in 2011
food @leisure
= recipes; ingredients; calories; restaurants; wines; nutrients; cooking times
> suggest a recipe; predict a wine's score; compare diets
! portions differ; units are mixed
movies-and-tv-shows @leisure
= films; episodes; actors; box office; directors; plot summaries; ratings
> suggest films; predict a rating; study genres
! remakes share a title; budgets are in several currencies
music @leisure
= songs; artists; lyrics; tempo; albums; playlists; audio features; chords
> detect a genre; suggest songs; study tempo over decades
! live versions count as songs; some lyrics are cut
games @leisure
= video games; players online; consoles; game reviews; publishers; chess moves; scores
> predict sales; find cheaters; study openings
! early access counts as released; free games have price zero
social-networks @people
= posts; followers; hashtags; likes; comments; friend links; communities; shares
> find communities; predict shares; study rumours
! bots are included; deleted posts left gaps
transportation @places
= bus stops; train delays; flights; bicycles; traffic counts; taxi trips; airports
> predict a delay; plan routes; find busy hours
! cancelled trips have no arrival; clocks change twice a year
crime @people
= police reports; burglaries; districts; arrests; emergency calls; court cases
> map hot spots; study trends; compare districts
! places are blurred to the block; reports arrive late
environment @nature
= carbon dioxide; air quality; waste; plastic; emissions; water quality; recycling
> study emissions; predict smog; compare cities
! units differ by country; sensors saturate at high values
animals @nature
= birds; dogs; species; nests; tracking collars; fish; insects; bird songs
> identify species; follow migration; count nests
! rare species have few rows; some were seen twice
government @people
= elections; budgets; ministries; laws; municipalities; voters; public tenders
> compare budgets; study turnout; find anomalies in tenders
! boundaries changed; small places are merged
energy @nature
= electricity load; solar panels; wind turbines; gas meters; power plants; batteries
> forecast load; find faults; study prices
! meters report in local time; outages are zeros
agriculture @nature
= crops; harvests; fields; fertiliser; cattle; irrigation; wheat yield; orchards
> predict a yield; detect leaf disease; plan irrigation
! fields were split; two seasons share a year
real-estate @places
= houses; rents; floor area; rooms; mortgages; neighbourhoods; building years
> predict a price; find bargains; compare neighbourhoods
! the area counts the cellar; asked prices are not paid prices
jobs-and-career @people
= job adverts; salaries; skills; interviews; employers; years of experience; contracts
> predict a salary; match skills; study remote work
! ranges are given by their middle; adverts are posted twice
travel @places
= hotels; bookings; tourists; guest reviews; beaches; visas; nights stayed
> predict cancellation; rank hotels; study seasons
! reviews are translated; prices depend on the date
covid19 @life
= daily cases; tests; intensive care; variants; lockdowns; vaccination rates
> model a wave; compare measures; study delay of reports
! weekends are under-reported; counts were corrected later
biology @life
= genes; cells; proteins; DNA sequences; bacteria; gene expression; mutations
> predict a function; cluster cells; find markers
! batches differ; names follow an old annotation
physics @science
= particles; collisions; detector hits; spectra; lasers; telescopes; galaxies; red shift
> separate signal from noise; fit a spectrum; classify galaxies
! simulated events are included; errors are one sigma
computer-science @science
= source code; commits; bug reports; log files; network packets; benchmarks; compilers
> find bugs; detect intrusions; compare languages
! forks are included; times are from one machine
audio @media
= recordings; speech clips; speakers; wave files; spectrograms; accents; noise
> recognise speech; tell speakers apart; remove noise
! the sampling rate varies; silence was cut
history @people
= wars; kings; ancient coins; archives; ship logs; inventions; census books
> build a timeline; link archives; map battles
! dates before 1582 are Julian; spelling varies
"""
)
