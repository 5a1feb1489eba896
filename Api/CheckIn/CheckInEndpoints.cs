using System.Net.Mime;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.Renewals;
using FleetMdm.Api.Returns;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.CheckIn;

// A message of an iPad:
//
//   1. admission   as many at a time as this node can serve (Api/Limits); else 503
//   2. body        read whole, within bounds; else 413. A large one, and what comes too slowly (408), is looked at before it is taken in (AdmitLarge)
//   3. identity    the certificate that the sender proves to own; else 400
//   4. parse       just what routing and the grain need; else 400
//   5. word        a poll whose grain lives in this process and has left word that there is nothing to fetch is answered at once
//   6. grain       one call to the enrolment's own grain, wherever it lives; one more when it has just moved
//   7. answer      a body or none; refusals by the table in DeviceRefusals.cs; store or cluster away: 503
//
// Never 401: see DeviceRefusals.

/// <summary><c>PUT /mdm/checkin</c> and <c>PUT /mdm/connect</c>. Either takes both kinds of message, so that a profile may name
/// one URL for both. <c>PUT /mdm</c> too: there iPads come that were enrolled at NanoMDM.</summary>
public sealed partial class CheckInEndpoints(
    DeviceGrains devices,
    IDeviceStore store,
    MessageBodyReader bodies,
    LargeAnswers largeAnswers,
    LargeSenders largeSenders,
    ClientAddress clients,
    DeviceIdentity identity,
    ForgottenRenewals renewals,
    RenewalProfiles renewing,
    ProfileSigning signing,
    ReturnProfiles returning,
    DeviceMetrics metrics,
    IOptions<MdmOptions> options,
    TimeProvider time,
    ILogger<CheckInEndpoints> logger,
    IIdleDevices? idle = null)
{
    /// <summary>Larger reports are stored before the grain is called, and go there as a hash: a megabyte list of apps has no
    /// business in a grain's turn or between two nodes.</summary>
    private const int LargeReport = 32 * 1024;

    /// <summary>Of an answer that is not kept. A list of apps of this size has a thousand of them.</summary>
    private const int LargestUnkept = 512 * 1024;

    /// <summary>Seconds; an iPad that honours it comes back soon, the load balancer's other nodes sooner. Spread, so that those who met
    /// the same fault do not come back at the same moment.</summary>
    private const int LeastRetrySeconds = 5;
    private const int MostRetrySeconds = 15;

    private static readonly string PlistContentType = "application/xml; charset=UTF-8";

    private readonly OncePerHour _refusedIdentities = new(time);
    private readonly PlistLimits _limits = PlistLimits.ForBytes(options.Value.MaxMessageBytes);

    public async Task Handle(HttpContext context)
    {
        // 2
        var (outcome, body) = await bodies.Read(context.Request, options.Value.MaxMessageBytes, BodyDeadline.TokenOf(context));
        if (outcome != MessageBodyReader.Outcome.Read)
        {
            if (outcome == MessageBodyReader.Outcome.TooLarge && await TakeOversized(context)) return;
            await RefuseBody(context, outcome);
            return;
        }

        BodyDeadline.ArrivedFor(context);
        using (body)
        {
            try
            {
                // 3, 4
                var sender = await identity.Establish(context, body.Bytes);
                var message = Read(body.Bytes);
                var certificate = Presented(sender, message, body.Bytes, context);

                // 5, 6, 7
                var reply = HasNothing(message, sender) ? DeviceReply.Empty : await Call(message, body.Bytes, certificate, context);
                if (reply.Refusal == DeviceRefusal.NotPinned && await Recall(sender, context, body.Bytes))
                    reply = await Call(message, body.Bytes, certificate, context);
                metrics.Taken(NameOf(message));
                await Answer(context, reply, message);
            }
            catch (IdentityException e)
            {
                await RefuseIdentity(context, e);
            }
            catch (Exception e) when (e is PlistFormatException or MdmFormatException)
            {
                await Refuse(context, 400, RefusalReason.BadMessage, e.Message);
            }
            catch (Exception e) when (Unavailability.Is(e, context))
            {
                LogUnavailable(e);
                await Refuse(context, 503, RefusalReason.Unavailable, "The server cannot keep a promise now. Nothing was lost; come again.");
            }
        }
    }

    /// <summary>A report that is no sound property list still ends its command, when it can be told which.</summary>
    private MdmMessage Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            return MdmMessageReader.Read(body, _limits);
        }
        catch (Exception e) when (e is PlistFormatException or MdmFormatException)
        {
            if (DamagedReportReader.Read(body.Span, _limits, e.Message) is not { } report) throw;
            LogDamaged(report.Sender.EnrolmentId, report.CommandUuid, e.Message);
            return report;
        }
    }

    /// <summary>A report that is larger than any may be: it is not kept, and still ends its command. False: it is to be refused.</summary>
    private async Task<bool> TakeOversized(HttpContext context)
    {
        if (!OversizedBody.CanRead(context) || !identity.IsBesideTheBody(context)) return false;
        try
        {
            var sender = await identity.Establish(context, default);
            if (await OversizedBody.Read(context, time) is not var (head, tail)) return false;
            var fault = $"It has {context.Request.ContentLength} bytes, and at most {options.Value.MaxMessageBytes} are taken.";
            if (DamagedReportReader.Read(head, tail, fault) is not { } report) return false;

            LogDamaged(report.Sender.EnrolmentId, report.CommandUuid, fault);
            var reply = await Call(report, default, new PresentedCertificate(sender.Sha256, sender.NotAfter, OnlyWherePinned(sender)), context);
            metrics.Taken(NameOf(report));
            await Answer(context, reply, report);
            return true;
        }
        catch (IdentityException)
        {
            return false;
        }
        catch (Exception e) when (Unavailability.Is(e, context))
        {
            LogUnavailable(e);
            await Refuse(context, 503, RefusalReason.Unavailable, "The server cannot keep a promise now. Nothing was lost; come again.");
            return true;
        }
    }

    private PresentedCertificate Presented(VerifiedIdentity sender, MdmMessage message, ReadOnlyMemory<byte> body, HttpContext context)
    {
        var certificate = new PresentedCertificate(sender.Sha256, sender.NotAfter, OnlyWherePinned(sender));
        // The messages that must not be played again.
        if (message is not (Authenticate or TokenUpdate or CheckOut or SetBootstrapToken)) return certificate;
        return certificate with
        {
            Signed = MdmSignature.Signed(body.Span, context.Request.Headers[MdmSignature.HeaderName]),
            BySignature = !identity.IsBesideTheBody(context),
        };
    }

    /// <summary>Certificates of further CAs enrol in the migration window only; later they count where they are pinned.</summary>
    private bool OnlyWherePinned(VerifiedIdentity sender) =>
        !sender.IssuedByUs && (!sender.ForClients || !(options.Value.TrustedIdentityCasEnrolUntil > time.GetUtcNow()));

    private bool HasNothing(MdmMessage message, VerifiedIdentity sender) =>
        idle is not null && message is CommandReport { Status: CommandStatus.Idle } && idle.HasNothing(message.Sender.EnrolmentId, sender.Sha256);

    /// <remarks>By itself, since what it captures would cost every message.</remarks>
    private ValueTask<bool> Recall(VerifiedIdentity sender, HttpContext context, ReadOnlyMemory<byte> body) =>
        renewals.Recall(sender, () => identity.Certificate(context, body));

    private async ValueTask<DeviceReply> Call(MdmMessage message, ReadOnlyMemory<byte> body, PresentedCertificate certificate, HttpContext context)
    {
        var grain = devices.Of(message.Sender.EnrolmentId);
        for (var moved = false; ; moved = true)
        {
            try
            {
                return message switch
                {
                    CommandReport report => await grain.Report(await ToGrain(report, body), certificate),
                    Authenticate authenticate => await grain.Authenticate(DeviceMessagesOf.Authenticate(authenticate, clients.Of(context)?.ToString()), certificate),
                    TokenUpdate update => await grain.TokenUpdate(DeviceMessagesOf.TokenUpdate(update, Bounded(update)), certificate),
                    CheckOut => await grain.CheckOut(certificate),
                    UserAuthenticate => await grain.UserAuthenticate(certificate),
                    GetToken getToken => await grain.GetToken(getToken.TokenServiceType, certificate),
                    SetBootstrapToken set => await grain.SetBootstrapToken(set.BootstrapToken, certificate),
                    GetBootstrapToken => await grain.GetBootstrapToken(certificate),
                    // No grain has any business with it.
                    DeclarativeManagement { Data.Length: > StatusReport.MostBytes } => DeviceReply.Refused(DeviceRefusal.StatusTooLarge),
                    DeclarativeManagement management => await grain.DeclarativeManagement(
                        new DeclarativeManagementMessage(management.Endpoint, management.Data), certificate),
                    ReturnToService => await grain.ReturnToService(certificate),
                    _ => throw new InvalidOperationException($"No grain method takes {message.GetType().Name}."),
                };
            }
            catch (OrleansMessageRejectionException) when (!moved)
            {
                await MovedGrain.Settle(time);
            }
        }
    }

    private async ValueTask<CommandReportMessage> ToGrain(CommandReport report, ReadOnlyMemory<byte> body)
    {
        if (report.Status == CommandStatus.Idle) return CommandReportMessage.Idle;
        var message = new CommandReportMessage
        {
            Status = report.Status switch
            {
                CommandStatus.Acknowledged => ReportStatus.Acknowledged,
                CommandStatus.Error => ReportStatus.Error,
                CommandStatus.CommandFormatError => ReportStatus.CommandFormatError,
                CommandStatus.NotNow => ReportStatus.NotNow,
                _ => throw new InvalidOperationException($"No grain knows the status {report.Status}."),
            },
            CommandUuid = report.CommandUuid,
            ErrorSummary = report.Summary,
            Device = ToGrain(report.Device),
            InventoryDigest = report.InventoryDigest,
        };
        if (report.Status == CommandStatus.NotNow || body.IsEmpty) return message;
        // What the server asked of itself is not kept: its digest or its list is all that the grain wants of it.
        if (RefreshQuestions.Is(report.CommandUuid) && body.Length <= LargestUnkept) return message with { Result = body.ToArray() };
        return body.Length > LargeReport
            ? message with { ResultHash = await store.StoreBody(body) }
            : message with { Result = body.ToArray() };
    }

    private static DeviceFacts? ToGrain(ReportedDevice? device) => device is null ? null : new DeviceFacts
    {
        DeviceName = device.DeviceName,
        SerialNumber = device.SerialNumber,
        ProductName = device.ProductName,
        Model = device.Model,
        ModelName = device.ModelName,
        OsVersion = device.OsVersion,
        BuildVersion = device.BuildVersion,
        IsSupervised = device.IsSupervised,
        BatteryLevel = device.BatteryLevel,
        DeviceCapacity = device.DeviceCapacity,
        AvailableDeviceCapacity = device.AvailableDeviceCapacity,
        IsShared = device.IsShared,
        IsLost = device.IsLost,
    };

    /// <summary>An unlock token that is too large is not kept. The message is taken all the same: without it the iPad would never be enrolled, and
    /// nobody could send it anything. Only ClearPasscode will not work on it.</summary>
    private byte[]? Bounded(TokenUpdate message)
    {
        if (message.UnlockToken is not { Length: > MdmMessage.LongestEscrowedToken } tooLarge) return message.UnlockToken;
        LogUnlockTokenTooLarge(message.Sender.EnrolmentId, tooLarge.Length, MdmMessage.LongestEscrowedToken);
        return null;
    }

    private static string NameOf(MdmMessage message) => message switch
    {
        CommandReport { Fault: not null } => "Damaged",
        CommandReport report => report.Status.ToString(),
        _ => message.GetType().Name,
    };

    private async Task Answer(HttpContext context, DeviceReply reply, MdmMessage message)
    {
        // What cannot be made ends its command, so that each turn is about another one.
        while (reply is not { Renewal: null, Profile: null, Return: null })
        {
            reply = reply.Renewal is { } order ? await Make(order, message, context)
                : reply.Return is { } returning ? await Make(returning, message)
                : await Sign(reply.Profile!, message);
        }

        if (reply.Refusal != DeviceRefusal.None)
        {
            var (status, reason, detail) = DeviceRefusals.For(reply.Refusal);
            LogRefusedEnrolment(message.Sender.EnrolmentId, reason);
            if (reply.Refusal is DeviceRefusal.NotPinned or DeviceRefusal.PinnedElsewhere && _refusedIdentities.IsDue(message.Sender.EnrolmentId))
                LogForeignCertificate(message.Sender.EnrolmentId, clients.Of(context), identity.Presented(context));
            await Refuse(context, status, reason, detail, unenrol: reply.Refusal == DeviceRefusal.Unrecognized);
            return;
        }

        var response = context.Response;
        if (reply.Body is not { } bytes)
        {
            response.ContentLength = 0;
            return;
        }

        var large = bytes.Length > LargeAnswers.Small;
        if (large && !largeAnswers.TryReserve(bytes.Length))
        {
            await TakeBack(message, bytes);
            await Refuse(context, 503, RefusalReason.Full, "Too many large commands are on their way; come again.");
            return;
        }

        response.ContentType = reply.Content == ReplyContent.Json ? MediaTypeNames.Application.Json : PlistContentType;
        response.ContentLength = bytes.Length;
        if (!large) await response.Body.WriteAsync(bytes, context.RequestAborted);
        else if (!await largeAnswers.Write(context, bytes)) await TakeBack(message, bytes);
    }

    /// <summary>The one command that is made when it leaves: it holds a challenge that is stored nowhere.</summary>
    private async ValueTask<DeviceReply> Make(RenewalOrder order, MdmMessage message, HttpContext context)
    {
        var grain = devices.Of(message.Sender.EnrolmentId);
        try
        {
            if (await renewing.Make(context, order) is { } command) return DeviceReply.Plist(command);
        }
        catch
        {
            await grain.NotDelivered(order.CommandUuid);
            throw;
        }

        return await grain.AddressUnknown(order.CommandUuid);
    }

    /// <summary>An erasure that the iPad comes back from: the enrolment profile is made when it leaves, for this iPad alone. Without it the iPad is not erased.</summary>
    private async ValueTask<DeviceReply> Make(ReturnDelivery delivery, MdmMessage message)
    {
        var grain = devices.Of(message.Sender.EnrolmentId);
        try
        {
            var (body, problem) = await returning.Make(delivery);
            if (body is not null) return DeviceReply.Plist(body);
            LogNotReturning(message.Sender.EnrolmentId, delivery.CommandUuid, problem!);
            return delivery.CommandUuid is { } uuid ? await grain.ReturnNotMade(uuid, problem!) : DeviceReply.Plist(ReturnCommand.No());
        }
        catch
        {
            if (delivery.CommandUuid is { } uuid) await grain.NotDelivered(uuid);
            throw;
        }
    }

    /// <summary>A profile that was made for this iPad is signed when it leaves. One that cannot be signed must not hold up what waits behind it.</summary>
    private async ValueTask<DeviceReply> Sign(ProfileDelivery delivery, MdmMessage message)
    {
        try
        {
            return DeviceReply.Plist(CommandEnvelope.Compose(delivery.CommandUuid, ProfileCommand.WithProfile(await signing.Sign(delivery.Profile))));
        }
        catch (ProfileNotSignedException e)
        {
            LogNotSigned(message.Sender.EnrolmentId, delivery.CommandUuid, e);
            return await devices.Of(message.Sender.EnrolmentId).ProfileNotSigned(delivery.CommandUuid);
        }
        catch
        {
            // The keys are away for a moment.
            await devices.Of(message.Sender.EnrolmentId).NotDelivered(delivery.CommandUuid);
            throw;
        }
    }

    /// <summary>A command that did not leave does not count as one that the iPad did not answer.</summary>
    private async Task TakeBack(MdmMessage message, byte[] answer)
    {
        if (message is not CommandReport || CommandEnvelope.FindUuid(answer) is not { } commandUuid) return;
        try
        {
            await devices.Of(message.Sender.EnrolmentId).NotDelivered(commandUuid);
        }
        catch (Exception e)
        {
            LogNotTakenBack(message.Sender.EnrolmentId, e);
        }
    }

    private Task RefuseBody(HttpContext context, MessageBodyReader.Outcome outcome)
    {
        switch (outcome)
        {
            case MessageBodyReader.Outcome.TooLarge:
                context.Response.Headers.Connection = "close";
                return Refuse(context, 413, RefusalReason.TooLarge, $"A message may have at most {options.Value.MaxMessageBytes} bytes.");
            case MessageBodyReader.Outcome.TooSlow:
                context.Response.Headers.Connection = "close";
                return Refuse(context, 408, RefusalReason.TooSlow, BodyDeadline.Message);
            case MessageBodyReader.Outcome.Full:
                return Refuse(context, 503, RefusalReason.Full, "Too many large messages at once; come again.");
            default:
                // There is nothing more to read, and nobody to answer.
                metrics.Refused(RefusalReason.BadMessage, 400);
                context.Abort();
                return Task.CompletedTask;
        }
    }

    private async Task Refuse(HttpContext context, int status, string reason, string detail, bool unenrol = false, bool log = true)
    {
        metrics.Refused(reason, status);
        if (log) LogRefused(clients.Of(context), context.Request.Path, status, reason, detail);
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;

        var response = context.Response;
        response.StatusCode = status;
        if (status == 503) response.Headers.RetryAfter = Random.Shared.Next(LeastRetrySeconds, MostRetrySeconds + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (unenrol)
        {
            // https://developer.apple.com/documentation/devicemanagement/errorcodeunrecognizeddevice
            await response.WriteAsJsonAsync(
                new Dictionary<string, string>
                {
                    ["code"] = "com.apple.unrecognized.device",
                    ["description"] = detail,
                    ["message"] = "This iPad is no longer managed by your organisation.",
                },
                context.RequestAborted);
            return;
        }

        await response.WriteAsJsonAsync(
            new Dictionary<string, object> { ["type"] = "about:blank", ["title"] = reason, ["status"] = status, ["detail"] = detail },
            options: null,
            contentType: "application/problem+json",
            context.RequestAborted);
    }

    [LoggerMessage(3001, LogLevel.Information, "A message from {Address} to {Path} was answered {Status} ({Reason}): {Detail}")]
    private partial void LogRefused(System.Net.IPAddress? address, string path, int status, string reason, string detail);

    [LoggerMessage(3002, LogLevel.Information, "The enrolment {EnrolmentId} was refused: {Reason}")]
    private partial void LogRefusedEnrolment(string enrolmentId, string reason);

    [LoggerMessage(3006, LogLevel.Warning,
        "{EnrolmentId} sent an unlock token of {Bytes} bytes; at most {Most} are kept. The iPad is enrolled; ClearPasscode will not clear its passcode")]
    private partial void LogUnlockTokenTooLarge(string enrolmentId, int bytes, int most);

    [LoggerMessage(3052, LogLevel.Warning, "{EnrolmentId}: the answer to {CommandUuid} could not be read in full, and ends the command: {Fault}")]
    private partial void LogDamaged(string enrolmentId, string? commandUuid, string fault);

    [LoggerMessage(2841, LogLevel.Error, "{EnrolmentId}: the enrolment profile for Return to Service ({CommandUuid}) could not be made, and the iPad was not erased: {Problem}")]
    private partial void LogNotReturning(string enrolmentId, string? commandUuid, string problem);

    [LoggerMessage(3053, LogLevel.Error, "{EnrolmentId}: the profile of {CommandUuid} could not be signed. Its command has ended with an error")]
    private partial void LogNotSigned(string enrolmentId, string commandUuid, Exception exception);

    [LoggerMessage(3051, LogLevel.Information, "The grain of {EnrolmentId} could not be told that a command did not leave")]
    private partial void LogNotTakenBack(string enrolmentId, Exception exception);

    [LoggerMessage(3060, LogLevel.Warning, "The identity of a message from {Address} was refused: {Reason} It brought {Presented} Taken would be {Taken}. This is said once an hour of each address.")]
    private partial void LogRefusedIdentity(System.Net.IPAddress? address, string reason, string presented, string taken);

    [LoggerMessage(3061, LogLevel.Warning, "A message for {EnrolmentId} from {Address} brought {Presented} Taken would be the certificate that the iPad enrolled with, or one that renews it. This is said once an hour of each iPad.")]
    private partial void LogForeignCertificate(string enrolmentId, System.Net.IPAddress? address, string presented);

    [LoggerMessage(3003, LogLevel.Warning, "A message was answered 503: the store or the cluster could not take it")]
    private partial void LogUnavailable(Exception exception);
}
