/* date.c - dates as HTTP writes them: RFC 9110, 5.6.7.
 *
 * Days are counted by arithmetic alone: no time zone, no locale and no state of
 * libc has a say.  The years are those of the Gregorian calendar.
 */
#include "http/exchange.h"

#include <string.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

enum { DAY = 24 * 60 * 60 };

/* ---- days and civil dates ------------------------------------------------ */

/* Years are counted from March, so that the leap day is the last of one; the
 * days before a month m of those are (153 m + 2) / 5. */
static int64_t days_before(int64_t year, int month)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468;
}

/* `day` since 1 January 1970, which is 719468 days after 1 March 0. */
static void civil(int64_t day, int *year, int *month, int *of_month)
{
	int64_t n = day + 719468, of_era = n % 146097;
	int64_t y =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		365;
	int of_year = (int)(of_era - (365 * y + y / 4 - y / 100));
	int m = (5 * of_year + 2) / 153;

	*of_month = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (int)(y + n / 146097 * 400) + (*month <= 2);
}

/* ---- writing ------------------------------------------------------------- */

static void two(char *to, int n)
{
	to[0] = (char)('0' + n / 10);
	to[1] = (char)('0' + n % 10);
}

static void clock_time(char *to, int second)
{
	two(to, second / 3600);
	to[2] = to[5] = ':';
	two(to + 3, second / 60 % 60);
	two(to + 6, second % 60);
}

void ramet__http_date(int64_t seconds, char text[HTTP_DATE])
{
	int year, month, day;
	int64_t n;

	/* Four digits are all there is room for. */
	if (seconds < 0)
		seconds = 0;
	if (seconds > INT64_C(253402300799))
		seconds = INT64_C(253402300799);
	n = seconds / DAY;
	civil(n, &year, &month, &day);
	memcpy(text, "Sun, 00 Jan 0000 00:00:00 GMT", HTTP_DATE);
	memcpy(text, days + (n + 4) % 7 * 3, 3);
	two(text + 5, day);
	memcpy(text + 8, months + (month - 1) * 3, 3);
	two(text + 12, year / 100);
	two(text + 14, year % 100);
	clock_time(text + 17, (int)(seconds % DAY));
}

void ramet__http_log_date(int64_t seconds, char text[HTTP_LOG_DATE])
{
	int year, month, day;

	civil(seconds / DAY, &year, &month, &day);
	memcpy(text, "[00/Jan/0000:00:00:00 +0000]", HTTP_LOG_DATE);
	two(text + 1, day);
	memcpy(text + 4, months + (month - 1) * 3, 3);
	two(text + 8, year / 100);
	two(text + 10, year % 100);
	clock_time(text + 13, (int)(seconds % DAY));
}

/* ---- reading ------------------------------------------------------------- */

struct parsed {
	int year, month, day, second;
};

/* Each takes something off the front of *s, and says whether it was there. */
static bool take(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool take_number(const char **s, int digits, int *n)
{
	*n = 0;
	for (; digits; digits--, ++*s) {
		if (**s < '0' || **s > '9')
			return false;
		*n = *n * 10 + (**s - '0');
	}
	return true;
}

/* One of the three-letter words in list, from 0. */
static bool take_word(const char **s, const char *list, int *n)
{
	for (*n = 0; list[*n * 3]; ++*n)
		if (strncmp(*s, list + *n * 3, 3) == 0) {
			*s += 3;
			return true;
		}
	return false;
}

static bool take_month(const char **s, struct parsed *p)
{
	bool is = take_word(s, months, &p->month);

	p->month++;
	return is;
}

/* A leap second counts as the one before it. */
static bool take_time(const char **s, struct parsed *p)
{
	int h, m, sec;

	if (!take_number(s, 2, &h) || !take(s, ":") || !take_number(s, 2, &m) ||
	    !take(s, ":") || !take_number(s, 2, &sec) || h > 23 || m > 59 ||
	    sec > 60)
		return false;
	p->second = h * 3600 + m * 60 + (sec == 60 ? 59 : sec);
	return true;
}

/* " 06 Nov 1994 08:49:37 GMT" after "Sun,". */
static bool fixdate(const char *s, struct parsed *p)
{
	return take(&s, ", ") && take_number(&s, 2, &p->day) && take(&s, " ") &&
	       take_month(&s, p) && take(&s, " ") &&
	       take_number(&s, 4, &p->year) && take(&s, " ") &&
	       take_time(&s, p) && take(&s, " GMT") && !*s;
}

/* RFC 850: "day, 06-Nov-94 08:49:37 GMT".  Of the centuries the one before is
 * meant where the other is more than 50 years ahead; which this is until 2070,
 * and then nobody will write it. */
static bool rfc850(const char *s, struct parsed *p)
{
	static const char *const ends[] = {"day", "sday", "nesday", "rsday",
					   "urday"};
	bool is = false;

	for (size_t i = 0; i < countof(ends) && !is; i++)
		is = take(&s, ends[i]);
	if (!is || !take(&s, ", ") || !take_number(&s, 2, &p->day) ||
	    !take(&s, "-") || !take_month(&s, p) || !take(&s, "-") ||
	    !take_number(&s, 2, &p->year) || !take(&s, " ") ||
	    !take_time(&s, p) || !take(&s, " GMT") || *s)
		return false;
	p->year += p->year < 70 ? 2000 : 1900;
	return true;
}

/* asctime(3): " Nov  6 08:49:37 1994". */
static bool asctime_date(const char *s, struct parsed *p)
{
	if (!take(&s, " ") || !take_month(&s, p) || !take(&s, " "))
		return false;
	if (take(&s, " ") ? !take_number(&s, 1, &p->day)
			  : !take_number(&s, 2, &p->day))
		return false;
	return take(&s, " ") && take_time(&s, p) && take(&s, " ") &&
	       take_number(&s, 4, &p->year) && !*s;
}

static bool has_day(int year, int month, int day)
{
	int64_t next = month == 12 ? days_before(year + 1, 1)
				   : days_before(year, month + 1);

	return day >= 1 && day <= next - days_before(year, month);
}

int64_t ramet__http_date_parse(const char *text)
{
	struct parsed p = {0};
	int64_t seconds;
	int weekday;

	if (!take_word(&text, days, &weekday) ||
	    !(fixdate(text, &p) || rfc850(text, &p) ||
	      asctime_date(text, &p)) ||
	    p.year < 1 || !has_day(p.year, p.month, p.day))
		return -1;
	seconds = (days_before(p.year, p.month) + p.day - 1) * DAY + p.second;
	return seconds < 0 ? -1 : seconds;
}
