using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Console;

/// <summary>The overview, and the REST interface to read.</summary>
internal static class HomePages
{
    private const int NewestRecords = 8;

    private static readonly (EnrolmentStatus Status, string Words)[] Statuses =
    [
        (EnrolmentStatus.Enrolled, "enrolled"), (EnrolmentStatus.Authenticated, "enrolling"), (EnrolmentStatus.Unenrolled, "left"), (EnrolmentStatus.Removed, "removed"),
        (EnrolmentStatus.Erased, "erased"),
    ];

    public static async Task<IResult> ShowHome(
        HttpContext context, IEnumerable<IAttention> rooms, IEnumerable<ConsoleEntry> places, FleetCounts counts, IOperationStore operations, OperationWatch watch, IEnrolmentStore enrolments, IGrainFactory grains,
        IAuditStore audit)
    {
        var user = FleetUser.Of(context);
        if (user.IsForOneself) return PageForms.See(user.HomePath);
        var seesDevices = user.May(Rights.DeviceRead);
        var attention = Task.WhenAll(rooms.Select(room => room.Find(user)));
        var newest = user.May(Rights.OperationRead) ? OperationAttention.Newest(user.Scope, operations, watch) : Task.FromResult<IReadOnlyList<OperationView>>([]);
        var certificate = grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe();
        var records = user.May(Rights.AuditRead) ? audit.List(AuditFilter.Everything, null, NewestRecords) : Task.FromResult<IReadOnlyList<AuditRecord>>([]);
        var invited = (await enrolments.ListInvitations(user.Scope, null, 1)).Count > 0;
        var counted = await counts.Read(user.Scope);
        var first = new FirstSteps(await certificate is not null, invited, counted.Of(EnrolmentStatus.Enrolled) > 0);
        var view = new HomeView(
            user, [.. (await attention).SelectMany(items => items).Where(item => MaySee(places, user, item)).OrderByDescending(item => item.Urgent).ThenBy(item => item.Order)],
            seesDevices ? [.. Statuses.Select(one => new FleetFigure(one.Words, one.Status.ToString(), counted.Of(one.Status)))] : [],
            first.IsDone || !seesDevices || !user.IsOfDistrict ? null : first, await newest, [.. (await records).Select(AuditView.Of)]);
        return new RazorComponentResult<HomePage>(new { View = view });
    }

    /// <summary>Nobody is told of what stands in a place that she may not open.</summary>
    private static bool MaySee(IEnumerable<ConsoleEntry> places, FleetUser user, AttentionItem item) =>
        !places.Any(place => !place.IsOpenTo(user) && item.Path.StartsWith(place.Path, StringComparison.Ordinal));

    /// <summary>The REST interface to read: public, as it holds no secrets.</summary>
    public static async Task<RazorComponentResult<DocsPage>> Docs(HttpContext context)
    {
        var session = await context.AuthenticateAsync(FleetAuthenticationHandler.Name);
        var user = session.Principal is { } principal ? FleetUser.Find(principal) : null;
        return new RazorComponentResult<DocsPage>(new { User = user, Document = await OpenApiDocument.Read(context.RequestServices, context.RequestAborted) });
    }
}
