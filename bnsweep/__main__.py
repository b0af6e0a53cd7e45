from bnsweep.cli import main

main()
