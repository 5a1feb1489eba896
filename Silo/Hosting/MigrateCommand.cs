using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>migrate</c>: the schema's changes as a step of their own, with an account that may make them.</summary>
internal static class MigrateCommand
{
    public static async Task<int> Run(IReadOnlyList<string> arguments)
    {
        FleetConfiguration.CheckArguments(arguments);
        await using var app = ServerHost.Build(arguments);
        var applied = await app.Services.GetRequiredService<IStoreControl>().Migrate(CancellationToken.None);
        Console.WriteLine(applied.Count == 0 ? "The schema is up to date." : $"Applied {applied.Count} migrations: {string.Join(", ", applied)}.");
        return 0;
    }
}
