using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// What scenarios compare with, each in a process of its own: Kestrel that reads the body and answers 200; and a queue in a grain that is written
/// by Orleans' AdoNet storage, one row at a time.
/// </summary>
internal static class BareServer
{
    public const string Ready = "Ready.";

    /// <summary>The first argument that makes this program one of them.</summary>
    public const string Bare = "serve-bare";
    public const string AdoNet = "serve-adonet";

    public static async Task<int> Run(string[] arguments)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenLocalhost(int.Parse(arguments[1])));
        if (arguments[0] == AdoNet)
        {
            builder.UseOrleans(silo => silo
                .UseLocalhostClustering(int.Parse(arguments[1]) + 1, gatewayPort: 0)
                .AddAdoNetGrainStorage("queue", (AdoNetGrainStorageOptions storage) =>
                    (storage.Invariant, storage.ConnectionString) = ("Npgsql", arguments[2])));
            builder.Services.AddRoutingCore();
        }

        var app = builder.Build();
        app.Run(arguments[0] == AdoNet ? Queue(app.Services.GetRequiredService<IGrainFactory>(), int.Parse(arguments[3])) : Nothing);
        await app.StartAsync();
        await Console.Out.WriteLineAsync(Ready);
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task Nothing(HttpContext context)
    {
        await Read(context.Request);
        context.Response.ContentLength = 0;
    }

    private static RequestDelegate Queue(IGrainFactory grains, int commands) => async context =>
    {
        var body = await Read(context.Request);
        var text = System.Text.Encoding.UTF8.GetString(body);
        var answer = await grains.GetGrain<IAdoNetQueueGrain>(After(text, "UDID")!).Report(After(text, "CommandUUID"), commands);
        var bytes = answer is null ? [] : System.Text.Encoding.UTF8.GetBytes($"<plist><dict><key>CommandUUID</key><string>{answer}</string></dict></plist>");
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    };

    private static async Task<byte[]> Read(HttpRequest request)
    {
        var body = new byte[request.ContentLength ?? 0];
        await request.Body.ReadExactlyAsync(body);
        return body;
    }

    private static string? After(string text, string key)
    {
        var at = text.IndexOf($"<key>{key}</key>", StringComparison.Ordinal);
        if (at < 0) return null;
        var from = text.IndexOf("<string>", at, StringComparison.Ordinal) + 8;
        return text[from..text.IndexOf("</string>", from, StringComparison.Ordinal)];
    }
}

/// <summary>A queue as one would write it with Orleans alone.</summary>
[Alias("fleetmdm.loadtests.adonet-queue")]
public interface IAdoNetQueueGrain : IGrainWithStringKey
{
    /// <returns>The next command.</returns>
    [Alias("report")]
    Task<string?> Report(string? finished, int commands);
}

[GenerateSerializer]
[Alias("fleetmdm.loadtests.adonet-queue-state")]
public sealed class AdoNetQueueState
{
    [Id(0)]
    public List<string> Commands { get; set; } = [];

    [Id(1)]
    public bool Filled { get; set; }
}

[GrainType("adonet-queue")]
internal sealed class AdoNetQueueGrain([PersistentState("adonet-queue", "queue")] IPersistentState<AdoNetQueueState> state) : Grain, IAdoNetQueueGrain
{
    public async Task<string?> Report(string? finished, int commands)
    {
        if (!state.State.Filled)
        {
            state.State.Filled = true;
            state.State.Commands = [.. Enumerable.Range(0, commands).Select(_ => Guid.NewGuid().ToString())];
        }

        if (finished is not null && state.State.Commands.Remove(finished)) await state.WriteStateAsync();
        return state.State.Commands.FirstOrDefault();
    }
}
