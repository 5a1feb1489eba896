using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace FleetMdm.Silo.Hosting;

/// <summary>The server: runs until it is told to stop (SIGTERM, Ctrl-C), then drains.</summary>
public static class ServeCommand
{
    /// <param name="arguments">Options.</param>
    /// <param name="configure">As of <see cref="ServerHost.Build"/>.</param>
    public static async Task<int> Run(IReadOnlyList<string> arguments, Action<WebApplicationBuilder>? configure = null)
    {
        FleetConfiguration.CheckArguments(arguments);
        await using var app = ServerHost.Build(arguments, configure);
        await FleetProcess.Start(app, CancellationToken.None);
        await FirstSteps.Print(app, Console.Out);
        await app.WaitForShutdownAsync();
        return 0;
    }
}

/// <summary>What a new administrator reads first.</summary>
internal static class FirstSteps
{
    public static async Task Print(WebApplication app, TextWriter output)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var publicUrl = app.Services.GetRequiredService<IOptions<MdmOptions>>().Value.PublicUri;
        var adminUrl = app.Services.GetRequiredService<IOptions<HttpOptions>>().Value.AdminUri(publicUrl);
        var listens = $"FleetMdm listens on {string.Join(", ", addresses)}.";
        if (app.Services.GetRequiredService<IOptions<FleetClusterOptions>>().Value.Role == NodeRole.Silo)
        {
            await output.WriteLineAsync(listens);
            return;
        }

        // Before the first line: a script that waits for it finds the token.
        var data = app.Services.GetRequiredService<IOptions<StorageOptions>>().Value.DataDirectory;
        var token = await FirstToken.Ensure(app.Services.GetRequiredService<IGrainFactory>(), data);
        await output.WriteLineAsync(listens);
        await output.WriteLineAsync($"  Console           {adminUrl}");
        await output.WriteLineAsync($"  API documentation {adminUrl}docs");
        await output.WriteLineAsync($"  iPads enrol at    {publicUrl}enroll/INVITATION (make an invitation in the console)");
        if (addresses.All(address => BindingAddress.Parse(address).Port != adminUrl.Port))
            await output.WriteLineAsync($"  The server itself does not listen on port {adminUrl.Port}: a proxy has to pass it on. Without a proxy, set Http:Listen.");
        if (token is not null)
        {
            // Not the token: what is written here is kept in journals.
            await output.WriteLineAsync($"  The first administrator's token is in {Path.GetFullPath(Path.Combine(data, FirstToken.FileName))}.");
        }

        await output.FlushAsync();
    }
}
