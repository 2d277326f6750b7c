from ramet.monkey._main import main

main()
