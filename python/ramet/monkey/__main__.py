from ramet.monkey._main import main

if __name__ == "__main__":
    main()
