using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.Silo.Demo;

/// <summary>
/// <c>demo</c>: the real server on SQLite in a temporary folder, a simulated APNs, and simulated iPads, in one process. Everything
/// that the iPads and the administrator of the demo do goes through the server's public HTTPS interface.
/// </summary>
internal static class DemoCommand
{
    /// <summary>The iPads share this many private keys: making one costs a tenth of a CPU second, on the cores of the server.</summary>
    private const int SharedKeys = 32;

    /// <returns>0 when every iPad is enrolled and nothing was lost, else 1.</returns>
    public static async Task<int> Run(IReadOnlyList<string> arguments)
    {
        if (arguments.Any(argument => argument is "-h" or "--help"))
        {
            Console.WriteLine(DemoOptions.Help);
            return 0;
        }
        var options = DemoOptions.Parse(arguments);
        var port = DemoServer.FindPort(options.Port);
        Console.WriteLine($"FleetMdm demo: starting a server on https://localhost:{port}, a simulated Apple and {options.IPads} simulated iPads …");
        var screen = DemoScreen.Create(TimeProvider.System);
        await using var apns = await ApnsSimulator.StartAsync();
        await using var apple = await DeviceEnrolmentSimulator.StartAsync();
        await using var content = await AppsAndBooksSimulator.StartAsync();
        using var factory = new DeviceAuthority();
        using var attestation = new AttestationAuthority();
        await using var server = await DemoServer.StartAsync(port, apns.Endpoint, apns.Authority.RootPem, factory.Pem, attestation.Pem, apple, content);
        try
        {
            var trust = await TrustProfile.FetchAsync(server.Url, server.Stopping);
            using var admin = new AdminClient(server.Url, server.Token, trust);
            await using var fleet = new IPadFleet(new FleetOptions
            {
                Trust = trust,
                Apns = apns,
                Factory = factory,
                Attestation = attestation,
                Keys = KeySource.Shared(Math.Min(SharedKeys, options.IPads)),
            });
            var story = new DemoStory(options.IPads, screen, admin, apns, fleet);
            await screen.RunAsync(async () =>
            {
                await story.TellAsync(server.Stopping);
                await new DemoOutOfTheBox(apple, content, screen, admin, fleet).TellAsync(server.Stopping);
            });
            var audit = await DemoAudit.TakeAsync(story, server.Stopping);
            DemoReport.Print(audit, story);
            if (!options.Exit)
                await DemoReport.ServeOnAsync(server, story);
            server.KeepFolder = !audit.Holds;
            return audit.Holds ? 0 : 1;
        }
        catch (OperationCanceledException) when (server.Stopping.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("demo: stopped before the end.");
            return 1;
        }
        catch (Exception e) when (e is DemoStalledException or AdminException or EnrolmentException or HttpRequestException)
        {
            server.KeepFolder = true;
            await Console.Error.WriteLineAsync($"demo: {e.Message}");
            await Console.Error.WriteLineAsync($"demo: the server's data and its log are in {server.Folder}.");
            return 1;
        }
    }
}
