using FleetMdm.Api.Admin;
using FleetMdm.Api.Auth;
using FleetMdm.Api.Console.Pages;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Queries;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using QRCoder;
using StoredFilter = FleetMdm.Storage.Queries.DeviceFilter;

namespace FleetMdm.Api.Console;

/// <summary>The pages that show something.</summary>
internal static class ConsolePages
{
    private const int DevicesOnPage = 50;
    private const int CommandsOnPage = 25;
    private const int InvitationsOnPage = 50;
    private const int NewestOperations = 5;

    public static Task<RazorComponentResult<HomePage>> ShowHome(
        HttpContext context, FleetStatus status, IOperationStore operations, OperationWatch watch, IEnrolmentStore enrolments) =>
        Home(context, status, operations, watch, enrolments, null);

    /// <summary>The overview, with what became of an uploaded certificate.</summary>
    public static async Task<RazorComponentResult<HomePage>> Home(
        HttpContext context, FleetStatus status, IOperationStore operations, OperationWatch watch, IEnrolmentStore enrolments, ApiProblem? problem)
    {
        List<OperationView> newest = [];
        foreach (var row in await operations.List(null, NewestOperations))
        {
            if (await watch.Describe(row.Id) is { } operation) newest.Add(OperationView.Of(operation));
        }

        var view = new HomeView(
            FleetUser.Of(context), await status.Read(), newest, (await enrolments.ListInvitations(null, 1)).Count > 0,
            FormKey(), problem?.Message);
        return new RazorComponentResult<HomePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    public static async Task<RazorComponentResult<DevicesPage>> Devices(
        HttpContext context, IFleetQueries fleet, string? q, string? status, string? after)
    {
        q = string.IsNullOrWhiteSpace(q) ? null : Text.Optional("q", q.Trim());
        var wanted = Text.Name<EnrolmentStatus>("status", string.IsNullOrEmpty(status) ? null : status);
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);

        var rows = await fleet.ListDevices(new StoredFilter { Query = q, Status = wanted }, after, DevicesOnPage + 1);
        var page = Page.Of(rows, DevicesOnPage, DeviceSummary.Of, row => row.Id);
        var view = new DevicesView(FleetUser.Of(context), page, q, wanted?.ToString(), after is not null);
        return new RazorComponentResult<DevicesPage>(new { View = view });
    }

    public static Task<RazorComponentResult<DevicePage>> ShowDevice(
        string id, HttpContext context, DeviceLookup lookup, CommandLog log, string? after, string? done) =>
        Device(id, context, lookup, log, after, Notes.GetValueOrDefault(done ?? ""), null);

    /// <summary>The page of one iPad, with what became of a form.</summary>
    public static async Task<RazorComponentResult<DevicePage>> Device(
        string id, HttpContext context, DeviceLookup lookup, CommandLog log, string? after, string? note, ApiProblem? problem)
    {
        var device = DeviceView.Of(await lookup.Row(id), await lookup.Describe(id));
        var commands = await log.List(id, after, CommandsOnPage);
        var view = new DeviceDetailView(FleetUser.Of(context), device, commands, note, problem?.Message, FormKey());
        return new RazorComponentResult<DevicePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    public static async Task<RazorComponentResult<InvitationsPage>> Invitations(
        HttpContext context, IEnrolmentStore store, IOptions<MdmOptions> mdm, TimeProvider time, string? after)
    {
        if (after is not null && !OneTimeChallenge.IsInvitationId(after)) throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
        var rows = await store.ListInvitations(after, InvitationsOnPage + 1);
        var now = time.GetUtcNow();
        var page = Page.Of(rows, InvitationsOnPage, row => InvitationView.Of(row, mdm.Value.PublicUri, now), row => row.Id);
        return new RazorComponentResult<InvitationsPage>(new { View = new InvitationsView(FleetUser.Of(context), page, FormKey()) });
    }

    public static async Task<RazorComponentResult<InvitationPage>> Invitation(
        string id, HttpContext context, IEnrolmentStore store, IOptions<MdmOptions> mdm, TimeProvider time)
    {
        var invitation = InvitationView.Of(await InvitationEndpoints.Find(store, id) ?? throw InvitationEndpoints.NotFound(),
            mdm.Value.PublicUri, time.GetUtcNow());
        return new RazorComponentResult<InvitationPage>(new { User = FleetUser.Of(context), Invitation = invitation, QrCode = Draw(invitation.Url) });
    }

    /// <summary>The REST interface to read: public, as it holds no secrets.</summary>
    public static async Task<RazorComponentResult<DocsPage>> Docs(HttpContext context)
    {
        var session = await context.AuthenticateAsync(FleetAuthenticationHandler.Name);
        var user = session.Principal is { } principal ? FleetUser.Find(principal) : null;
        return new RazorComponentResult<DocsPage>(new { User = user, Document = await OpenApiDocument.Read(context.RequestServices, context.RequestAborted) });
    }

    /// <summary>What a page says after a form did its work, by the word in its address: never text from there.</summary>
    private static readonly Dictionary<string, string> Notes = new()
    {
        ["push"] = "A push was asked for. The iPad connects within seconds if it is awake and online.",
        ["query"] = "DeviceInformation is queued.",
        ["lock"] = "DeviceLock is queued.",
        ["cancel"] = "The command is cancelled.",
    };

    private static string FormKey() => Guid.NewGuid().ToString("N");

    private static string Draw(string url)
    {
        using var data = QRCodeGenerator.GenerateQrCode(url, QRCodeGenerator.ECCLevel.M);
        using var code = new SvgQRCode(data);
        return code.GetGraphic(4, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
    }
}
