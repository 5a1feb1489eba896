namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// One enrolment: an iPad (key: its UDID, or the EnrollmentID of a User Enrollment) or one user of a Shared iPad (key:
/// <c>UDID:UserShortName</c>). It alone delivers, finishes and cancels the commands of that enrolment.
/// </summary>
/// <remarks>
/// The first group of methods are Apple's messages, one method each, named as Apple names them. Each takes the certificate
/// that the sender proved to own and refuses a message whose certificate is not pinned to this enrolment. A method that
/// returns without a refusal has made durable what it promises. A store that cannot be reached throws
/// <see cref="FleetUnavailableException"/>: nothing was promised, and the iPad comes again.
/// </remarks>
[Alias("fleetmdm.device")]
public interface IDeviceGrain : IGrainWithStringKey
{
    /// <summary>Begins an enrolment, or begins it again: ends what was queued, pins the certificate.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/authenticate"/></summary>
    [Alias("Authenticate")]
    ValueTask<DeviceReply> Authenticate(AuthenticateMessage message, PresentedCertificate certificate);

    /// <summary>Takes the push token, the push magic and the unlock token; completes the enrolment the first time.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/token_update"/></summary>
    [Alias("TokenUpdate")]
    ValueTask<DeviceReply> TokenUpdate(TokenUpdateMessage message, PresentedCertificate certificate);

    /// <summary>The iPad says that its management profile is gone.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/check_out"/></summary>
    [Alias("CheckOut")]
    ValueTask<DeviceReply> CheckOut(PresentedCertificate certificate);

    /// <summary>macOS only; refused with <see cref="DeviceRefusal.WillNotManageUser"/>.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/userauthenticate"/></summary>
    [Alias("UserAuthenticate")]
    ValueTask<DeviceReply> UserAuthenticate(PresentedCertificate certificate);

    /// <summary>Asks for a token of another service; no service is known yet, so it is refused.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/get_token"/></summary>
    [Alias("GetToken")]
    ValueTask<DeviceReply> GetToken(string tokenServiceType, PresentedCertificate certificate);

    /// <summary>Escrows the bootstrap token; an empty or missing one deletes it.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/set_bootstrap_token"/></summary>
    [Alias("SetBootstrapToken")]
    ValueTask<DeviceReply> SetBootstrapToken([Immutable] byte[]? bootstrapToken, PresentedCertificate certificate);

    /// <summary>Returns the escrowed bootstrap token, or an empty answer.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/get_bootstrap_token"/></summary>
    [Alias("GetBootstrapToken")]
    ValueTask<DeviceReply> GetBootstrapToken(PresentedCertificate certificate);

    /// <summary>Declarative management: tokens, declaration-items, declaration/…, status.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/declarative_management_checkin"/></summary>
    [Alias("DeclarativeManagement")]
    ValueTask<DeviceReply> DeclarativeManagement(DeclarativeManagementMessage message, PresentedCertificate certificate);

    /// <summary>The iPad asks how to return to service (iOS 26).
    /// <see href="https://developer.apple.com/documentation/devicemanagement/return-to-service"/></summary>
    [Alias("ReturnToService")]
    ValueTask<DeviceReply> ReturnToService(PresentedCertificate certificate);

    /// <summary>A report on a command, or Idle; answered with the next command, or with nothing.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/sending-mdm-commands-to-a-device"/></summary>
    [Alias("Report")]
    ValueTask<DeviceReply> Report(CommandReportMessage report, PresentedCertificate certificate);

    /// <summary>A command that was answered to the iPad did not leave this server: it is not in the iPad's hands.</summary>
    [Alias("NotDelivered")]
    ValueTask NotDelivered(string commandUuid);

    /// <summary>The profile of a <see cref="ProfileDelivery"/> could not be signed: its command ends with an error. Answers with the next command, or with
    /// nothing.</summary>
    [Alias("ProfileNotSigned")]
    ValueTask<DeviceReply> ProfileNotSigned(string commandUuid);

    /// <summary>The enrolment profile of a <see cref="ReturnDelivery"/> could not be made: its command ends with an error, and the iPad is not erased. Answers with the next command, or
    /// with nothing.</summary>
    [Alias("ReturnNotMade")]
    ValueTask<DeviceReply> ReturnNotMade(string commandUuid, string reason);

    /// <summary>Queues a command. When it returns <see cref="EnqueueOutcome.Accepted"/> the command is durable.</summary>
    [Alias("Enqueue")]
    ValueTask<EnqueueResult> Enqueue(CommandOrder order);

    /// <summary>Cancels a queued command that is not in the iPad's hands at this moment.</summary>
    [Alias("Cancel")]
    ValueTask<CancelOutcome> Cancel(string commandUuid);

    /// <summary>Looks at the renewal of the iPad's identity certificate, and takes the step that is due.</summary>
    /// <param name="now">True: the renewal starts now, whenever the certificate ends.</param>
    [Alias("RenewIdentity")]
    ValueTask<RenewalStep> RenewIdentity(bool now);

    /// <summary>The command of a <see cref="RenewalOrder"/> could not be made: nobody knows by which address this iPad is enrolled. Answers with
    /// the next command, or with nothing.</summary>
    [Alias("AddressUnknown")]
    ValueTask<DeviceReply> AddressUnknown(string commandUuid);

    /// <summary>Asks APNs to wake the iPad now, whether or not a push is outstanding.</summary>
    [Alias("Push")]
    ValueTask<PushOutcome> Push();

    /// <summary>Ends the management of this enrolment: from now on it is answered with
    /// <see cref="DeviceRefusal.Unrecognized"/>, and the iPad removes its profile (iOS 17 and later).</summary>
    [Alias("Remove")]
    ValueTask<RemoveOutcome> Remove();

    /// <summary>The enrolment, its queue and why it waits; null when this enrolment was never seen.</summary>
    [Alias("Describe")]
    ValueTask<DeviceDescription?> Describe();

    /// <summary>What became of a push that only the enrolment itself can act on: its token is dead.</summary>
    /// <param name="token">The token that was pushed to; ignored when another one has come since.</param>
    /// <param name="reason">APNs' reason: Unregistered, ExpiredToken, BadDeviceToken, DeviceTokenNotForTopic.</param>
    /// <param name="since">APNs' timestamp of a 410: from when on the token was known to be dead.</param>
    [Alias("PushTokenDied")]
    ValueTask PushTokenDied([Immutable] byte[] token, string reason, DateTimeOffset? since);

    /// <summary>Forgets what it holds in memory: its rows were changed by its parent device.</summary>
    [Alias("Reload")]
    ValueTask Reload();

    /// <summary>Lets it go on when it waits in Setup Assistant and has waited long enough, or has everything.</summary>
    [Alias("ReleaseHeld")]
    ValueTask ReleaseHeld();
}
