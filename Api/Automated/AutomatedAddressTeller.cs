using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.SelfService;
using FleetMdm.Storage.Automated;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Automated;

/// <summary>Says where iPads out of the box reach this server, and what they have to trust for it: the grains that define enrolment profiles at Apple read it. Said at start and
/// every hour: the root for TLS may be renewed.</summary>
internal sealed partial class AutomatedAddressTeller(
    IAutomatedStore store, EnrolmentAuthority authority, IOptions<MdmOptions> mdm, IOptions<HttpOptions> http, IOptions<SelfServiceOptions> options, TimeProvider time, ILogger<AutomatedAddressTeller> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(5);

    /// <returns>Whether it was another one before.</returns>
    public async Task<bool> Tell()
    {
        var anchors = http.Value.PresentsBuiltInCa ? (await authority.Get()).Roots : [];
        return await store.SetAddress(new AutomatedAddress(
            new Uri(mdm.Value.PublicUri, AutomatedEnrolmentEndpoint.Path).AbsoluteUri, [.. anchors.Select(root => root.Der.ToArray())], options.Value.PageAt(SetUpSignInPages.Begin)?.AbsoluteUri));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = Every;
            try
            {
                if (await Tell()) LogTold(mdm.Value.PublicUri);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // The cluster or the database is not there yet.
                wait = AgainAfter;
                LogNotTold(e);
            }

            await Task.Delay(wait, time, stoppingToken);
        }
    }

    [LoggerMessage(2585, LogLevel.Information, "iPads that enrol out of the box come to {Address}")]
    private partial void LogTold(Uri address);

    [LoggerMessage(2586, LogLevel.Debug, "Where iPads that enrol out of the box come to could not be written yet")]
    private partial void LogNotTold(Exception exception);
}
