/* words.c - lines and words of libc's configuration files. */
#include "net/names/config.h"

#include <string.h>

char *ramet__next_line(char **text, const char *comments)
{
	char *line = *text, *end;

	if (!line || !*line)
		return NULL;
	end = line + strcspn(line, "\n");
	*text = *end ? end + 1 : end;
	*end = '\0';
	line[strcspn(line, comments)] = '\0';
	return line;
}

char *ramet__next_word(char **line)
{
	char *word = *line + strspn(*line, " \t\r\f\v"), *end;

	if (!*word)
		return NULL;
	end = word + strcspn(word, " \t\r\f\v");
	*line = *end ? end + 1 : end;
	*end = '\0';
	return word;
}
