using System.Text.Json.Nodes;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>Apple's error numbers, each with the status that it comes with. The words are ours: only the numbers count.
/// <see href="https://developer.apple.com/documentation/devicemanagement/handling-error-responses"/></summary>
internal static class AppsAndBooksErrors
{
    public const int LoginRequired = 9601, InvalidArgument = 9602, NoSuchUser = 9609, TokenEnded = 9621, TokenUnknown = 9622, TokenRevoked = 9625, TooManyRequests = 9646, NoSuchPage = 9650,
        TooManyAssets = 9700, TooManySerials = 9702, AssetTwice = 9703, SerialTwice = 9705, NotRevocable = 9706, NotForDevices = 9707, NoSuchEvent = 9708, TooFewLicences = 9709,
        NotificationHalf = 9710, NotificationTooLong = 9711, NotificationNoHttps = 9712, MetadataTooLong = 9713, NoAssets = 9718, NoTargets = 9719, InvalidVersion = 9721, InvalidHeader = 9722,
        MdmInfoHalf = 9723, MdmIdTooLong = 9724, MdmNameTooLong = 9725, WrongMethod = 9726, WrongContentType = 9727, NotificationUnreachable = 9728;

    /// <summary>9622 is not documented. It was seen in answers of status 200.</summary>
    private static readonly SortedDictionary<int, (int Status, string Words)> All = new()
    {
        [LoginRequired] = (401, "A token is needed."),
        [InvalidArgument] = (400, "An argument is not valid."),
        [NoSuchUser] = (400, "There is no such user."),
        [TokenEnded] = (401, "The token has ended."),
        [TokenUnknown] = (200, "The token is not known."),
        [TokenRevoked] = (401, "The token was revoked."),
        [TooManyRequests] = (429, "Too many requests for this organization."),
        [NoSuchPage] = (400, "There is no such page."),
        [TooManyAssets] = (400, "Too many assets."),
        [TooManySerials] = (400, "Too many serial numbers."),
        [AssetTwice] = (400, "An asset is named twice."),
        [SerialTwice] = (400, "A serial number is named twice."),
        [NotRevocable] = (400, "It cannot be taken back."),
        [NotForDevices] = (400, "It cannot be assigned to devices."),
        [NoSuchEvent] = (400, "There is no such event."),
        [TooFewLicences] = (400, "Not enough licences."),
        [NotificationHalf] = (400, "notificationUrl and notificationAuthToken go together."),
        [NotificationTooLong] = (400, "notificationUrl or notificationAuthToken is too long."),
        [NotificationNoHttps] = (400, "notificationUrl must be https."),
        [MetadataTooLong] = (400, "The metadata of mdmInfo is too long."),
        [NoAssets] = (400, "assets is missing."),
        [NoTargets] = (400, "serialNumbers or clientUserIds is missing."),
        [InvalidVersion] = (400, "sinceVersionId is not valid."),
        [InvalidHeader] = (401, "Authorization must be 'Bearer', and the token."),
        [MdmInfoHalf] = (400, "mdmInfo needs id, name and metadata."),
        [MdmIdTooLong] = (400, "The id of mdmInfo is too long."),
        [MdmNameTooLong] = (400, "The name of mdmInfo is too long."),
        [WrongMethod] = (405, "The method is not allowed."),
        [WrongContentType] = (415, "The content type is not supported."),
        [NotificationUnreachable] = (400, "The notification URL cannot be reached."),
    };

    public static int StatusOf(int number) => All[number].Status;

    /// <param name="words">Null: the usual ones; none are known of a number that only a fault names.</param>
    public static JsonObject ToJson(int number, string? words = null) =>
        new() { ["errorNumber"] = number, ["errorMessage"] = words ?? (All.TryGetValue(number, out var known) ? known.Words : "It could not be done.") };

    /// <summary>As the service lists them: those that are documented.</summary>
    public static JsonArray List() => new([.. All.Keys.Where(number => number != TokenUnknown).Select(number => ToJson(number))]);
}
