// API calls for the shop's page that involve no card field (see stripe/frames.js).

import {confirmIntent, retrieveIntent} from '../page/api.js';
import {listen} from '../page/port.js';

listen({
  retrieve: ({key, account, clientSecret}) => retrieveIntent({key, account, clientSecret}),
  confirm: ({key, account, clientSecret, confirmParams}) =>
    confirmIntent({key, account, clientSecret, params: confirmParams}),
});
