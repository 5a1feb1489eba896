using System.Globalization;
using FleetMdm.Api.Hosting;

namespace FleetMdm.Silo.Demo;

/// <summary>What stands behind the word <c>demo</c> on the command line.</summary>
/// <param name="IPads">How many iPads take part.</param>
/// <param name="Exit">End when the story is told, instead of serving on.</param>
internal sealed record DemoOptions(int IPads, bool Exit)
{
    private const int DefaultIPads = 200;

    /// <summary>One erases itself, a third is locked: with fewer there is nothing to see.</summary>
    private const int FewestIPads = 3;

    /// <summary>As many as one machine simulates beside the server in a few minutes.</summary>
    private const int MostIPads = 10_000;

    /// <exception cref="FleetStartException">A word that is not understood; the message says which.</exception>
    public static DemoOptions Parse(IReadOnlyList<string> arguments)
    {
        int? ipads = null;
        var exit = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--ipads" when ipads is not null:
                    throw new FleetStartException("--ipads is given twice.");
                case "--ipads":
                    ipads = Number(++i < arguments.Count ? arguments[i] : null);
                    break;
                case "--exit" when exit:
                    throw new FleetStartException("--exit is given twice.");
                case "--exit":
                    exit = true;
                    break;
                default:
                    throw new FleetStartException($"\"{arguments[i]}\" is not an option of the demo, which takes --ipads N and --exit.");
            }
        }
        return new DemoOptions(ipads ?? DefaultIPads, exit);
    }

    private static int Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= FewestIPads and <= MostIPads
            ? number
            : throw new FleetStartException(
                $"--ipads takes a number from {FewestIPads} to {MostIPads}{(text is null ? "" : $", not \"{text}\"")}.");
}
