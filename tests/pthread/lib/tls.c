/* tls.c - a library with a thread-local variable: static (MODEL initial-exec)
 * or dynamic. */
static __thread int value __attribute__((tls_model(MODEL))) = 42;

int get(void);
int count(void);

__attribute__((visibility("default"))) int get(void)
{
	return value;
}

__attribute__((visibility("default"))) int count(void)
{
	return ++value;
}
