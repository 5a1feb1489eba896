using FleetMdm.Grains.Hosting;
using FleetMdm.Silo.Hosting;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Orleans.Storage;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// What scenarios compare with, each in a process of its own: Kestrel that reads the body and answers 200; and this very server with queues
/// that Orleans' AdoNet storage writes, one row at a time.
/// </summary>
internal static class BareServer
{
    public const string Ready = "Ready.";

    /// <summary>The first argument that makes this program one of them.</summary>
    public const string Bare = "serve-bare";
    public const string AdoNet = "serve-adonet";

    public static Task<int> Run(string[] arguments) =>
        arguments[0] == AdoNet ? ServeCommand.Run(arguments[1..], WithAdoNetQueues) : RunBare(int.Parse(arguments[1]));

    private static async Task<int> RunBare(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        var app = builder.Build();
        app.Run(Nothing);
        await app.StartAsync();
        await Console.Out.WriteLineAsync(Ready);
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task Nothing(HttpContext context)
    {
        var body = new byte[context.Request.ContentLength ?? 0];
        await context.Request.Body.ReadExactlyAsync(body);
        context.Response.ContentLength = 0;
    }

    private static void WithAdoNetQueues(WebApplicationBuilder builder)
    {
        var own = builder.Services.Last(service => service.ServiceType == typeof(IDeviceStore)).ImplementationFactory!;
        builder.Services.Replace(ServiceDescriptor.Singleton<IDeviceStore>(services => new AdoNetQueues(
            (IDeviceStore)own(services), () => services.GetRequiredKeyedService<IGrainStorage>(GrainServices.ControlStorage))));
    }
}
