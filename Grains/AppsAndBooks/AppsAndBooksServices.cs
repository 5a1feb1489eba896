using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.AppsAndBooks;

/// <summary>Apps and Books: what the district has bought, and the licences that iPads get of it.</summary>
/// <remarks>Owns the grains of locations, and the tables <c>content_*</c> by its stores. The rules are <see cref="LicencePart"/>. An iPad's own grain installs the app, when its licence is there.</remarks>
public static class AppsAndBooksServices
{
    /// <summary>Section <see cref="AppsAndBooksOptions.Section"/>, checked at start.</summary>
    public static IServiceCollection AddAppsAndBooks(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<AppsAndBooksOptions>(configuration, AppsAndBooksOptions.Section, options => options.FindFault());
        services.AddSingleton<ContentService>();
        services.AddSingleton<ContentMetrics>();
        services.AddSingleton<ISweepDuty, ContentSweep>();
        services.AddSingleton<ISweepDuty>(provider =>
        {
            // Its counters stand at 0 from the start.
            _ = provider.GetRequiredService<ContentMetrics>();
            return ActivatorUtilities.CreateInstance<NotificationRetention>(provider);
        });
        return services;
    }
}

/// <summary>Wakes the grains of locations that have something to do, whichever node had them before.</summary>
internal sealed class ContentSweep(IContentSyncStore store, IGrainFactory grains, TimeProvider time) : INodeLostDuty
{
    private const int MostInARun = 500;

    public TimeSpan Every => TimeSpan.FromSeconds(50);

    public async Task Run(CancellationToken cancellationToken)
    {
        foreach (var id in await store.ListDue(time.GetUtcNow(), MostInARun)) await grains.GetGrain<IContentLocationGrain>(id).Wake();
    }
}

/// <summary>Forgets which notifications came: Apple repeats them within minutes.</summary>
internal sealed class NotificationRetention(IContentSyncStore store, TimeProvider time) : ISweepDuty
{
    private static readonly TimeSpan Keep = TimeSpan.FromDays(7);

    public TimeSpan Every => TimeSpan.FromHours(1);

    public Task Run(CancellationToken cancellationToken) => store.ForgetNotifications(time.GetUtcNow() - Keep);
}
