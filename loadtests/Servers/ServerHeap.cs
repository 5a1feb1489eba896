using System.Diagnostics.Tracing;
using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Diagnostics.NETCore.Client;

namespace FleetMdm.LoadTests.Servers;

/// <summary>How much a server on this machine holds on to.</summary>
internal static class ServerHeap
{
    /// <summary>The runtime's keyword that collects all garbage when a session begins.</summary>
    private const long CollectGarbage = 0x800000;

    /// <summary>Three: what the first two find dead may only be finished then.</summary>
    private const int Collections = 3;

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(2);

    /// <summary>Bytes of live objects: the heap without fragments after everything that is dead was collected.</summary>
    public static async Task<double> Live(TestBed bed)
    {
        var client = new DiagnosticsClient(bed.Server!.Process);
        for (var i = 0; i < Collections; i++)
        {
            using var session = client.StartEventPipeSession(
                [new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, CollectGarbage)], requestRundown: false);
            await Task.Delay(Between, TimeProvider.System);
            await session.StopAsync(CancellationToken.None);
        }

        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bed.AdminToken);
        var metrics = await http.GetStringAsync(new Uri(bed.Url, "/metrics"));
        double Sum(string name) => metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
        return Sum("dotnet_gc_last_collection_heap_size_bytes{") - Sum("dotnet_gc_last_collection_heap_fragmentation_size_bytes{");
    }
}
