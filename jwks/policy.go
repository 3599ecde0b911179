package jwks

import "time"

// policy holds the numbers of a Remote's policy that have no setting. They were found
// by simulating floods, outages and rotations against each other, and hang together:
// the tests change each of them and see which guarantee breaks.
type policy struct {
	// missBudget is how many fetches unknown kids may cause at once.
	missBudget int
	// fetchCeiling and fetchPeriod bound the fetches of a source for any reason, against
	// an issuer whose answers flip.
	fetchCeiling int
	fetchPeriod  time.Duration
	// maxAbsent bounds the memory that unknown kids can take.
	maxAbsent int

	// maxWait is how long one request waits in all, and maxWaiting how many wait.
	maxWait    time.Duration
	maxWaiting int
	// maxIdleWait is how long a request waits for the refresh of an idle set, from the
	// start of the fetch, and failedLately how long a failure keeps it from waiting.
	maxIdleWait  time.Duration
	failedLately time.Duration

	// intervalJitter is the part by which a set's interval is varied, idleIntervals how
	// many intervals make a set idle, and shortestInterval the least that Cache-Control
	// can shorten an interval to.
	intervalJitter   float64
	idleIntervals    int
	shortestInterval time.Duration
	// trustUnread is how long answers of 304 are believed without a 200.
	trustUnread time.Duration
	// rediscovery is how often an issuer's metadata is read again.
	rediscovery time.Duration
	// restoreTime is what the first fetch leaves of maxWait where its failure brings a
	// snapshot, so that those who wait are still answered from that.
	restoreTime time.Duration
	// failoverRest is how long an address that failed is asked after the other one.
	failoverRest time.Duration

	// firstDelay and maxDelay are the delays between attempts while fetches fail, and
	// pressedDelay is the longest one while somebody is refused for want of a key.
	// delayJitter is the part by which a delay may be shortened, so that replicas do
	// not return together.
	firstDelay   time.Duration
	maxDelay     time.Duration
	pressedDelay time.Duration
	delayJitter  float64
}

func defaultPolicy() policy {
	return policy{
		missBudget:   3,
		fetchCeiling: 10,
		fetchPeriod:  time.Second,
		maxAbsent:    256,

		maxWait:      5 * time.Second,
		maxWaiting:   1024,
		maxIdleWait:  time.Second,
		failedLately: 2 * time.Minute,

		intervalJitter:   0.1,
		idleIntervals:    2,
		shortestInterval: time.Minute,
		trustUnread:      time.Hour,
		rediscovery:      time.Hour,
		restoreTime:      500 * time.Millisecond,
		failoverRest:     time.Minute,

		firstDelay:   time.Second,
		maxDelay:     time.Minute,
		pressedDelay: 5 * time.Second,
		delayJitter:  0.1,
	}
}
