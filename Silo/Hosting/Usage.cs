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

    public static Task<int> PrintVersion()
    {
        Console.WriteLine(Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion);
        return Task.FromResult(0);
    }
}
