/* sources.h - five slow HTTP sources, for those who have none. */
#ifndef SOURCES_H
#define SOURCES_H

/* Start them in this process; *argv becomes a program's name and their URLs.
 * Returns how many these are together; ends the program if it cannot. */
int start_sources(char ***argv);

#endif
