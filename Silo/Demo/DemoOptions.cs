using System.Globalization;
using FleetMdm.Api.Hosting;

namespace FleetMdm.Silo.Demo;

/// <summary>What stands behind the word <c>demo</c> on the command line.</summary>
/// <param name="IPads">How many iPads take part.</param>
/// <param name="Port">Where the server listens; null: 8443, or another one when somebody has it.</param>
/// <param name="Exit">End when the story is told, instead of serving on.</param>
internal sealed record DemoOptions(int IPads, int? Port, bool Exit)
{
    private const int DefaultIPads = 200;

    /// <summary>One erases itself, a third is locked: with fewer there is nothing to see.</summary>
    private const int FewestIPads = 3;

    /// <summary>As many as one machine simulates beside the server in a few minutes.</summary>
    private const int MostIPads = 10_000;

    private const int HighestPort = 65_535;

    public static readonly string Help =
        $"""
        fleetmdm demo: the real server with a simulated APNs and simulated iPads, to look at

          --ipads N   how many iPads enrol by an invitation, from {FewestIPads} to {MostIPads} (default {DefaultIPads}); ten more come out of the box
          --port N    where the server listens on this machine (default 8443, or a free port if that one is in use)
          --exit      end after the story instead of serving on until Ctrl-C
          -h, --help  this text

        The data is in a temporary folder, which is removed at the end. The iPads enrol in five schools, get commands and profiles of the
        library, and one is erased. Some sleep, some say NotNow and some report errors on purpose (from 7 iPads on).
        The exit code is 0 when every iPad is enrolled and no command was lost.
        """;

    /// <exception cref="FleetStartException">A word that is not understood; the message says which.</exception>
    public static DemoOptions Parse(IReadOnlyList<string> arguments)
    {
        int? ipads = null, port = null;
        var exit = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--ipads" when ipads is not null:
                    throw new FleetStartException("--ipads is given twice.");
                case "--ipads":
                    ipads = Number("--ipads", ++i < arguments.Count ? arguments[i] : null, FewestIPads, MostIPads);
                    break;
                case "--port" when port is not null:
                    throw new FleetStartException("--port is given twice.");
                case "--port":
                    port = Number("--port", ++i < arguments.Count ? arguments[i] : null, 1, HighestPort);
                    break;
                case "--exit" when exit:
                    throw new FleetStartException("--exit is given twice.");
                case "--exit":
                    exit = true;
                    break;
                default:
                    throw new FleetStartException($"\"{arguments[i]}\" is not an option of the demo, which takes --ipads N, --port N and --exit (see --help).");
            }
        }
        return new DemoOptions(ipads ?? DefaultIPads, port, exit);
    }

    private static int Number(string option, string? text, int fewest, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= fewest && number <= most
            ? number
            : throw new FleetStartException($"{option} takes a number from {fewest} to {most}{(text is null ? "" : $", not \"{text}\"")}.");
}
