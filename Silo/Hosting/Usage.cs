using System.Reflection;

namespace FleetMdm.Silo.Hosting;

internal static class Usage
{
    public static Task<int> Print()
    {
        Console.WriteLine(
            """
            FleetMdm: device management for the iPads of a school district

              fleetmdm [OPTIONS]              serve (SQLite under ./data unless told otherwise)
              fleetmdm migrate [OPTIONS]      bring the database's schema up to date, then end
              fleetmdm backup FILE [OPTIONS]  write the database of SQLite to FILE, while the server runs
              fleetmdm restore FILE [OPTIONS] put a backup in its place, while the server is stopped
              fleetmdm rekey FILE [OPTIONS]   seal all secrets under the new master key in FILE, while the server is stopped
              fleetmdm admin-token FILE [OPTIONS]
                                              write a new administrator's token to FILE, while the server is stopped
              fleetmdm audit-verify [WITNESS] [OPTIONS]
                                              check that no audit record was changed, removed or put in
              fleetmdm demo [--ipads N] [--port N] [--exit]
                                              a server, a simulated APNs and N simulated iPads, to look at
              fleetmdm health [OPTIONS]       ask the server on this machine whether it is ready
              fleetmdm --version

            An option is --Section:Key=value, or FLEETMDM__SECTION__KEY in the environment, or appsettings.json
            in the working directory; docs/configuration.md lists them. The ones to begin with:

              --Mdm:PublicUrl=https://mdm.district.example     where iPads reach this server
              --Http:Listen=https://*:8443                     where it listens
              --Storage:Provider=PostgreSQL --Storage:ConnectionString="Host=…;Database=…;Username=…"
            """);
        return Task.FromResult(0);
    }

    /// <summary>What one command does; the demo and the server say it themselves.</summary>
    private static readonly Dictionary<string, string> Commands = new()
    {
        ["migrate"] = """
              fleetmdm migrate [OPTIONS]

            Brings the database's schema up to date, then ends. The server does the same when it starts; this is for an
            account of the database that may change the schema, where the server's own may not.
            """,
        ["backup"] = """
              fleetmdm backup FILE [OPTIONS]

            Writes a checked copy of the database of SQLite to FILE, while the server runs or not. FILE must not exist.
            The master key is not in it: keep a copy of the key in another place.
            """,
        ["restore"] = """
              fleetmdm restore FILE [OPTIONS]

            Puts the backup FILE in the place of the database of SQLite. Stop the server first. The database that was
            there is kept beside it.
            """,
        ["rekey"] = """
              fleetmdm rekey FILE [OPTIONS]

            Seals all secrets under the new master key in FILE. Stop the server, or all nodes, first.
            """,
        ["admin-token"] = """
              fleetmdm admin-token FILE [OPTIONS]

            Writes a new administrator's token to FILE, for those who have lost theirs. FILE must not exist. Stop the
            server, or all nodes, first.
            """,
        ["audit-verify"] = """
              fleetmdm audit-verify [WITNESS] [OPTIONS]

            Checks the audit records, while the server runs or not. WITNESS is an end of the chain that was kept elsewhere,
            as the server writes it to its log: NUMBER:HASH. Exit code 0: all is whole; 1: it is not, or it cannot be checked.
            """,
        ["health"] = """
              fleetmdm health [OPTIONS]

            Asks the server on this machine whether it is ready. Exit code 0: it is; 1: it is not, or does not answer.
            Name the server's own Http:Listen, if it has one.
            """,
    };

    private const string Options = """

        OPTIONS are those of the server, as --Storage:DataDirectory=/var/lib/fleetmdm; docs/configuration.md lists them.
        """;

    /// <summary>The help of one command; null: it has none of its own.</summary>
    public static string? Find(string command) => Commands.GetValueOrDefault(command);

    /// <summary>Somebody wants to read the help.</summary>
    public static bool Asks(IEnumerable<string> arguments) => arguments.Any(argument => argument is "-h" or "--help");

    public static Task<int> Print(string help)
    {
        Console.WriteLine(help);
        Console.WriteLine(Options);
        return Task.FromResult(0);
    }

    public static Task<int> PrintVersion()
    {
        Console.WriteLine(Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion);
        return Task.FromResult(0);
    }
}
